//! What does a grant cost to those who wait, by how many wait? From the wake-up of the head to the sleep that it
//! arms for the next, and, since the queue must stay as long, one more that joins it. Without a runtime: nobody is
//! woken, each is polled when its time has come.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use tollgate::wait::{FairLimiter, Timer};
use tollgate::{Manual, Policy, Quota, RateLimiter, TokenBucket};

const PACE: Duration = Duration::from_micros(1);

/// Sleeps for ever, at no cost.
struct Idle;

struct Sleep;

impl Timer for Idle {
    type Sleep = Sleep;

    fn sleep(&self, _: Duration) -> Sleep {
        Sleep
    }

    fn reset(&self, _: &mut Sleep, _: Duration) {}
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

fn joins(wait: &mut (impl Future + Unpin), context: &mut Context<'_>) -> bool {
    Pin::new(wait).poll(context).is_pending()
}

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("wait");
    let policy = Policy::new(&[Quota::new(1, PACE)]).expect("a policy");
    for waiting in [0, 1, 1_000, 100_000] {
        group.bench_function(BenchmarkId::new("grant", waiting), |bencher| {
            bencher.iter_custom(|grants| {
                let clock = Manual::new();
                let bucket = TokenBucket::strict(policy).expect("a bucket");
                let limiter = FairLimiter::new(RateLimiter::new(bucket, clock.clone()), Idle);
                let mut context = Context::from_waker(Waker::noop());
                assert!(limiter.try_acquire().is_ok());
                // A wait that is polled after it has ended begins anew.
                let mut line: Vec<_> = (0..waiting.max(1)).map(|_| limiter.acquire()).collect();
                for wait in &mut line[..waiting] {
                    assert!(joins(wait, &mut context));
                }
                let (mut head, mut as_expected) = (0, 0);
                let began = Instant::now();
                for _ in 0..grants {
                    clock.advance(PACE);
                    let granted = Pin::new(&mut line[head]).poll(&mut context);
                    black_box(&granted);
                    let pending = waiting == 0 || joins(&mut line[head], &mut context);
                    as_expected += u64::from(matches!(granted, Poll::Ready(Ok(_))) && pending);
                    head = if head + 1 == line.len() { 0 } else { head + 1 };
                }
                let took = began.elapsed();
                assert_eq!((as_expected, limiter.waiting()), (grants, waiting));
                took
            });
        });
    }
}
