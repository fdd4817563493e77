//! Real threads and real time.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use tollgate::RateLimiter;
use tollgate::wait::{AsyncIo, FairLimiter};

/// Half of them block, half of them await on `async-io`: one queue, in order, and no more than the rule allows.
#[test]
fn threads_and_tasks_in_one_queue() {
    const WAITERS: usize = 12;
    let limiter = FairLimiter::new(RateLimiter::exact("2/20ms".parse().unwrap()).unwrap(), AsyncIo);
    limiter.acquire_blocking_n(2).unwrap();
    let start = Instant::now();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for i in 0..WAITERS {
            let (limiter, order) = (&limiter, &order);
            scope.spawn(move || {
                let granted = |result: Result<_, _>| {
                    let _: tollgate::wait::Permit<'_> = result.unwrap();
                    order.lock().unwrap().push(i);
                };
                if i % 2 == 0 {
                    granted(limiter.acquire_blocking_n(2));
                } else {
                    async_io::block_on(async { granted(limiter.acquire_n(2).await) });
                }
            });
            while limiter.waiting() <= i {
                thread::yield_now();
                if start.elapsed() > Duration::from_millis(19) {
                    break; // the first may have gone: the order is still that of arrival
                }
            }
        }
    });
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(239), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    assert_eq!(limiter.waiting(), 0);
    println!("{WAITERS} times 2 of 2 per 20 ms: {elapsed:?}, order {:?}", order.into_inner().unwrap());
}
