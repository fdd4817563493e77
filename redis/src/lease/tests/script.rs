//! The script of leases on real servers, decision by decision beside exact arithmetic.

use std::time::Duration;

use fastrand::Rng;
use tollgate::{Nanos, Plan};

use super::servers::{Server, connection, kinds};
use crate::{RedisStore, Rule, Store, Time};

/// A bucket in picoseconds.
struct Exact {
    burst: u128,
    interval: u128,
    full_at: u128,
}

impl Exact {
    fn take(&mut self, micros: u64, least: u32, most: u32) -> (u32, Duration) {
        let now = u128::from(micros) * 1_000_000;
        let there = self.burst - self.full_at.saturating_sub(now).div_ceil(self.interval).min(self.burst);
        let taken = if there >= u128::from(least) { there.min(u128::from(most)) } else { 0 };
        if taken > 0 {
            self.full_at = self.full_at.max(now) + taken * self.interval;
        }
        let full_in = self.full_at.div_ceil(1_000_000).saturating_sub(u128::from(micros));
        (u32::try_from(taken).unwrap(), Duration::from_micros(u64::try_from(full_in).unwrap()))
    }
}

#[tokio::test]
async fn takes_as_many_as_there_are() {
    for kind in kinds() {
        let server = Server::start(kind);
        let store = RedisStore::new(connection(&server.url()).await).with_timeout(Duration::from_secs(10));
        let mut partly = 0;
        // The last needs picoseconds.
        for (i, (policy, burst)) in [
            ("50/1m, 1500/1h", 26),
            ("7/1s", 7),
            ("1000/1s", 333),
            ("100000/1m", 10_000),
            ("3000017/1s", 1_000),
        ]
        .into_iter()
        .enumerate()
        {
            let plan = Plan::with_burst(policy.parse().unwrap(), burst).unwrap();
            let rule = Rule::planned(plan).unwrap();
            let interval = rule.interval_in_picos().unwrap();
            let mut exact = Exact { burst: burst.into(), interval, full_at: 0 };
            let mut rng = Rng::with_seed(i as u64);
            let mut now = 1_700_000_000_000_000;
            for step in 0..400 {
                now += rng.u64(0..=u64::try_from(interval * u128::from(burst) / 8_000_000).unwrap() + 1);
                let most = rng.u32(0..=burst + 1);
                let least = rng.u32(0..=most).min(burst);
                let told = Time::Told(Nanos::from_nanos(now * 1_000));
                let call = rule.lease(format!("lease {i}").into_bytes(), least, most, told).unwrap();
                assert_eq!(call.sha1(), redis::Script::new(call.script()).get_hash());
                let reply = store.run(&call).await.unwrap();
                let leased = Rule::leased(&reply).unwrap();
                assert_eq!(
                    leased,
                    exact.take(now, least, most.min(burst)),
                    "{policy}, step {step}: {least} to {most}"
                );
                partly += u32::from(leased.0 > 0 && leased.0 < most.min(burst));
                // The server knows the script by the name that is sent.
                if step == 0 {
                    assert!(store.eval_sha(&call).await.is_ok());
                    exact.take(now, least, most.min(burst));
                }
            }
        }
        assert!(partly > 100, "{partly}");
    }
}
