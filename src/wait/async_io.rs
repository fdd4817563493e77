//! The timer of the smol family.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use super::timer::Timer;

/// The timer of the crate `async-io`, for any executor: smol, a plain `block_on`, tokio too.
///
/// **It runs a background thread**, one per process, started by the first sleep; that thread waits for the next
/// sleep that ends, and wakes its task. It goes well with the default clock.
///
/// ```
/// use core::time::Duration;
/// use tollgate::wait::{AsyncIo, FairLimiter};
/// use tollgate::{Policy, RateLimiter};
///
/// let limiter = FairLimiter::new(RateLimiter::exact("1/10ms, 2/1h".parse()?)?, AsyncIo);
/// async_io::block_on(async {
///     limiter.acquire().await?;
///     limiter.acquire().await?; // ten milliseconds later
///     let late = limiter.acquire().within(Duration::from_secs(60)).await.unwrap_err();
///     println!("{late}"); // said at once
///     Ok::<(), tollgate::wait::AcquireError>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncIo;

/// A sleep of [`AsyncIo`].
#[derive(Debug)]
pub struct AsyncIoSleep(async_io::Timer);

impl Timer for AsyncIo {
    type Sleep = AsyncIoSleep;

    fn sleep(&self, after: Duration) -> AsyncIoSleep {
        AsyncIoSleep(async_io::Timer::after(after))
    }

    fn reset(&self, sleep: &mut AsyncIoSleep, after: Duration) {
        sleep.0.set_after(after);
    }
}

impl Future for AsyncIoSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(drop)
    }
}
