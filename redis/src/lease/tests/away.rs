//! What happens while the store is away.

use std::num::NonZeroU32;

use tokio::time::Instant;
use tollgate::{Denied, Policy};

use super::world::{Bucket, ms};
use crate::lease::refused::Refused;
use crate::lease::terms::{Leases, LeasesError, WhenAway};

fn leases(when_away: WhenAway) -> Leases {
    Leases::new(Policy::MICROSOFT_365_DEFENDER, when_away).unwrap()
}

fn share(nodes: u32) -> WhenAway {
    WhenAway::Share { nodes: NonZeroU32::new(nodes).unwrap() }
}

#[tokio::test(start_paused = true)]
async fn refused_after_the_time_out_and_then_at_once() {
    let bucket = Bucket::of(&leases(WhenAway::Refuse), ms(2));
    let limiter = bucket.limiter(leases(WhenAway::Refuse));
    bucket.set_away(true);
    let start = Instant::now();
    let refused = limiter.decide(1).await.unwrap_err();
    assert!(matches!(refused, Refused::Away { retry_at: Some(_) }), "{refused}");
    assert_eq!(start.elapsed(), ms(50));
    assert!(limiter.is_away());
    assert_eq!(limiter.last_error().map(|error| error.kind()), Some(crate::StoreErrorKind::TimedOut));

    let start = Instant::now();
    for _ in 0..1_000 {
        assert!(matches!(limiter.decide(1).await, Err(Refused::Away { .. })));
        assert!(matches!(limiter.acquire().await, Err(Refused::Away { .. })));
    }
    assert_eq!(start.elapsed(), ms(0));
    assert_eq!(limiter.counts().allowed, 0);

    bucket.set_away(false);
    tokio::time::sleep(ms(1_600)).await;
    assert!(!limiter.is_away());
    assert_eq!(limiter.last_error(), None);
    assert_eq!(limiter.decide(1).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time_and_ever_more_rarely() {
    let bucket = Bucket::of(&leases(WhenAway::Refuse), ms(2));
    let limiter = bucket.limiter(leases(WhenAway::Refuse));
    bucket.set_away(true);
    assert!(limiter.decide(1).await.is_err());
    for _ in 0..60_000 {
        assert!(limiter.try_acquire().is_err());
        tokio::time::sleep(ms(1)).await;
    }
    let log = bucket.log();
    let mut gaps = log.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0));
    // A probe that is not answered takes 50 ms. Then half of 50, 100, 200 ms ... 1 s passes, and a random part.
    for doubled in [50, 100, 200, 400, 800] {
        let gap = gaps.next().unwrap();
        assert!(
            gap >= ms(50 + doubled / 2) && gap <= ms(52 + doubled + doubled / 2),
            "{gap:?} for {doubled}"
        );
    }
    assert!(gaps.all(|gap| gap >= ms(550) && gap <= ms(1_552)));
    assert!(log.len() >= 45 && log.len() <= 110, "{} probes in a minute", log.len());
}

#[tokio::test(start_paused = true)]
async fn no_herd_when_the_store_is_back() {
    let bucket = Bucket::of(&leases(WhenAway::Refuse), ms(2));
    let limiters: Vec<_> = (0..100).map(|_| bucket.limiter(leases(WhenAway::Refuse))).collect();
    bucket.set_away(true);
    let mut calls = tokio::task::JoinSet::new();
    for limiter in limiters.clone() {
        calls.spawn(async move {
            for _ in 0..20_000 {
                _ = limiter.try_acquire();
                tokio::time::sleep(ms(1)).await;
            }
        });
    }
    tokio::time::sleep(ms(10_000)).await;
    bucket.set_away(false);
    let back = bucket.log().len();
    let start = bucket.log()[0].0 + ms(10_000);
    tokio::time::sleep(ms(1_700)).await;
    assert!(limiters.iter().all(|limiter| !limiter.is_away()));
    let mut firsts = [0; 17];
    for (at, _) in &bucket.log()[back..] {
        firsts[usize::try_from(at.saturating_sub(start).as_millis() / 100).unwrap().min(16)] += 1;
    }
    println!("requests in each tenth of a second: {firsts:?}");
    assert!(firsts.iter().all(|&requests| requests <= 40), "{firsts:?}");
}

#[tokio::test(start_paused = true)]
async fn allowed_and_counted() {
    let bucket = Bucket::of(&leases(WhenAway::Allow), ms(2));
    let limiter = bucket.limiter(leases(WhenAway::Allow));
    bucket.set_away(true);
    assert_eq!(limiter.decide(3).await, Ok(())); // after the time-out
    for _ in 0..100 {
        assert_eq!(limiter.try_acquire(), Ok(()));
    }
    assert_eq!(limiter.counts().allowed, 103);
    assert!(limiter.is_away());
    assert!(matches!(limiter.try_acquire_n(27), Err(Refused::Denied(denied)) if denied.retry_at().is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_limit() {
    // A tenth of 50 a minute and 1500 an hour: 5 a minute, 150 an hour.
    let bucket = Bucket::of(&leases(share(10)), ms(2));
    let limiter = bucket.limiter(leases(share(10)));
    bucket.set_away(true);
    let plan = leases(share(10)).share().unwrap().unwrap();
    let mut granted = 0;
    assert_eq!(limiter.decide(1).await, Ok(()));
    granted += 1;
    let refused = loop {
        match limiter.try_acquire() {
            Ok(()) => granted += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(granted, plan.burst());
    assert!(refused.denied().and_then(Denied::retry_after) <= Some(plan.interval()));
    // Whoever waits is served at the pace of the share.
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(limiter.acquire().await, Ok(()));
    }
    // A probe may be under way, and the task serves nobody until its time-out of 50 ms.
    assert!(start.elapsed() <= 3 * plan.interval() + ms(52), "{:?}", start.elapsed());
    assert!(start.elapsed() + ms(60) >= 3 * plan.interval(), "{:?}", start.elapsed());
    assert_eq!(limiter.counts().shared, u64::from(plan.burst()) + 3);
}

#[tokio::test(start_paused = true)]
async fn a_share_is_kept_warm() {
    let bucket = Bucket::of(&leases(share(10)), ms(2));
    let limiter = bucket.limiter(leases(share(10)));
    for _ in 0..20 {
        assert_eq!(limiter.acquire().await, Ok(()));
    }
    bucket.set_away(true);
    // The node has had more than its share of the minute: nothing at first, then the pace of the share.
    let plan = leases(share(10)).share().unwrap().unwrap();
    let start = Instant::now();
    loop {
        match limiter.decide(1).await {
            // What it had leased before it used up.
            Ok(()) if limiter.counts().shared == 0 => {}
            Ok(()) => break,
            Err(Refused::Denied(_)) => tokio::time::sleep(ms(1)).await,
            Err(refused) => panic!("{refused}"),
        }
    }
    let waited = start.elapsed();
    assert!(waited + ms(60) >= plan.interval() && waited <= plan.interval() + ms(60), "{waited:?}");
}

/// Waiters of a share who come for their permits as late as they may.
#[tokio::test(start_paused = true)]
async fn a_share_that_is_taken_late_is_kept_in_every_window() {
    let leases = Leases::new("20/1s".parse().unwrap(), share(1)).unwrap().with_life(ms(400)).unwrap();
    let bucket = Bucket::of(&leases, ms(2));
    let limiter = bucket.limiter(leases);
    bucket.set_away(true);
    while !limiter.is_away() {
        _ = limiter.try_acquire();
        tokio::time::sleep(ms(1)).await;
    }
    // It regains all of its share.
    tokio::time::sleep(ms(3_000)).await;
    let start = Instant::now();
    let mut grants = Vec::new();
    for late in [390, 0] {
        let now = || u64::try_from(start.elapsed().as_nanos()).unwrap();
        let mut waiting = Vec::new();
        for _ in 0..40 {
            let mut future = Box::pin(limiter.acquire());
            if super::waiting::once(future.as_mut()).await {
                grants.push((now(), 1));
            } else {
                waiting.push(future);
            }
        }
        tokio::time::sleep(ms(late)).await;
        for future in waiting {
            future.await.unwrap();
            grants.push((now(), 1));
        }
    }
    let most = super::histories::busiest(&grants, 1_000_000_000);
    assert!(most <= 20, "{most} in a second");
    assert!(most >= 15, "{most} in a second");
}

#[test]
fn a_burst_that_was_chosen_stays_when_the_life_is_changed() {
    let leases = leases(WhenAway::Refuse).with_burst(7).unwrap().with_life(ms(300)).unwrap();
    assert_eq!((leases.plan().burst(), leases.plan().policy().guard()), (7, ms(300)));
}

#[test]
fn what_is_refused_is_said_in_whole_sentences() {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    let error = Leases::new(policy, share(51)).unwrap_err();
    assert_eq!(error, LeasesError::NoShare { quota: 0, limit: 50 });
    assert_eq!(
        error.to_string(),
        "quota 0 (counted from 0) has a limit of 50, and a share of it for so many nodes is less than one permit"
    );
    let error = leases(WhenAway::Refuse).with_life(ms(9)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a lease that lives for 9ms is not possible: the life of a lease is between 10ms and 3600s"
    );
    let error = leases(WhenAway::Refuse).with_timeout(ms(600)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a time-out of 600ms is not possible: it is at least 1ms and at most 468.75ms, which is half the life of a lease"
    );
    let error = leases(WhenAway::Refuse).with_burst(51).unwrap_err();
    assert_eq!(error.to_string(), "a burst of 51 is outside 1 to 50, the smallest limit of the policy");
}
