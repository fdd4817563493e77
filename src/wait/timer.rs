//! Who wakes a task when its time has come: [`Timer`], and what is behind it.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

/// What an async runtime does for waiting tasks: sleeping.
///
/// A [`FairLimiter`](super::FairLimiter) keeps one sleep for all who wait, and one for each that has a deadline.
/// It reads its clock again after every sleep, so a timer that is early or late, or whose clock drifts from the
/// limiter's, costs at most one more wake-up and never grants too soon.
///
/// ```
/// use std::future::Future;
/// use std::time::Duration;
/// use tollgate::wait::Timer;
///
/// /// Tokio's timer, on the runtime of whoever polls.
/// struct Mine;
///
/// impl Timer for Mine {
///     type Sleep = std::pin::Pin<Box<tokio::time::Sleep>>;
///
///     fn sleep(&self, after: Duration) -> Self::Sleep {
///         Box::pin(tokio::time::sleep(after))
///     }
/// }
/// ```
pub trait Timer: Send + Sync {
    /// A sleep: ready when it is over.
    type Sleep: Future<Output = ()> + Unpin + Send;

    /// A sleep that is over `after` from now. It may be asked for, and polled, by any thread that polls or drops a
    /// waiting future.
    fn sleep(&self, after: Duration) -> Self::Sleep;

    /// Makes `sleep`, over or not, one that is over `after` from now; without an allocation, if it can.
    fn reset(&self, sleep: &mut Self::Sleep, after: Duration) {
        *sleep = self.sleep(after);
    }
}

/// No timer: threads wait, tasks cannot.
///
/// A thread that waits needs no timer, it parks until its time has come. `acquire().await` does not compile:
///
/// ```compile_fail,E0277
/// use tollgate::wait::FairLimiter;
/// use tollgate::{Policy, RateLimiter};
///
/// async fn call(limiter: FairLimiter<tollgate::SlidingLog, tollgate::DefaultClock>) {
///     limiter.acquire().await;
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

/// A sleep that wakes somebody, perhaps: every [`Timer`], and [`NoTimer`].
pub trait Alarm: Send + Sync {
    type Sleep: Unpin + Send;

    /// Sleeps on behalf of `waker` until `after` from now. Ready if that is now.
    fn arm(&self, sleep: &mut Option<Self::Sleep>, after: Duration, waker: &Waker) -> Poll<()>;
}

impl<T: Timer> Alarm for T {
    type Sleep = T::Sleep;

    fn arm(&self, sleep: &mut Option<Self::Sleep>, after: Duration, waker: &Waker) -> Poll<()> {
        let sleep = match sleep {
            Some(sleep) => {
                self.reset(sleep, after);
                sleep
            }
            None => sleep.insert(self.sleep(after)),
        };
        Pin::new(sleep).poll(&mut Context::from_waker(waker))
    }
}

/// Nobody asks: who waits without a timer is a thread, and parks.
impl Alarm for NoTimer {
    type Sleep = ();

    fn arm(&self, _: &mut Option<()>, _: Duration, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }
}
