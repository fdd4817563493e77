//! Who wakes a task when its time has come.

use core::future::Future;
use core::time::Duration;

/// What an async runtime does for waiting tasks: sleeping.
///
/// Each waiting future has a sleep of its own, made when it is first polled and must wait, and polled by nobody else. So
/// a sleep belongs to the runtime of its task. The clock is read again after every sleep: a timer that is early or
/// late costs one more wake-up, and never a grant too soon.
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

    /// A sleep that is over `after` from now.
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
/// use tollgate::SlidingLog;
///
/// async fn call(limiter: FairLimiter<SlidingLog>) {
///     limiter.acquire().await;
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

/// Every [`Timer`], and [`NoTimer`]: what a [`FairLimiter`](super::FairLimiter) can have. Nothing else implements it.
pub trait AnyTimer: sealed::Sealed + Send + Sync {
    /// What a waiting future keeps.
    type Sleep: Unpin + Send;
}

impl<T: Timer> AnyTimer for T {
    type Sleep = T::Sleep;
}

impl AnyTimer for NoTimer {
    type Sleep = ();
}

mod sealed {
    #[allow(unreachable_pub, reason = "it seals a public trait")]
    pub trait Sealed {}

    impl<T: super::Timer> Sealed for T {}
    impl Sealed for super::NoTimer {}
}
