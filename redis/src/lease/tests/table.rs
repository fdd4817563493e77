//! What leases cost and save, for the README:
//! `cargo test --release -p tollgate-redis --lib leases_against_none -- --nocapture`

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures to show"
)]

use std::time::Duration;

use tollgate::Policy;

use super::histories::{Simulation, Twin, World, busiest};
use crate::lease::terms::{Leases, WhenAway};

const SECOND: u64 = 1_000_000_000;

struct Row {
    policy: &'static str,
    burst: Option<u32>,
    life: u64,
    /// Calls of all nodes together, as a share of the limit.
    load: f64,
}

const ROWS: [Row; 6] = [
    Row { policy: "50/1m, 1500/1h", burst: None, life: 937, load: 0.5 },
    Row { policy: "50/1m, 1500/1h", burst: None, life: 937, load: 3.0 },
    Row { policy: "1000/1s", burst: Some(200), life: 100, load: 0.5 },
    Row { policy: "1000/1s", burst: Some(200), life: 100, load: 3.0 },
    Row { policy: "100000/1m", burst: Some(10_000), life: 1_000, load: 0.5 },
    Row { policy: "100000/1m", burst: Some(10_000), life: 1_000, load: 3.0 },
];

#[test]
fn leases_against_none() {
    println!(
        "| limit | life | load | nodes | calls | granted | of the plan's rate | round trips a call | permits lost |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for row in ROWS {
        for nodes in [1, 10, 100] {
            let policy: Policy = row.policy.parse().unwrap();
            let leases = Leases::new(policy, WhenAway::Refuse).unwrap();
            let mut leases = leases.with_life(Duration::from_millis(row.life)).unwrap();
            if let Some(burst) = row.burst {
                leases = leases.with_burst(burst).unwrap();
            }
            let quota = policy.quotas().last().unwrap();
            let window = u64::try_from(quota.window().as_nanos()).unwrap();
            let between = window as f64 / f64::from(quota.limit()) / row.load;
            // So long that a burst counts little, and short enough that a test is quick.
            let calls = 60_000.0;
            let world = World {
                nodes,
                length: ((between * calls) as u64).clamp(30 * SECOND, 7_200 * SECOND),
                pause: (between * nodes as f64) as u64,
                faults: false,
                slow: SECOND / 2_000,
                worst: None,
            };
            let out = Simulation::run(&leases, Twin::Whole, world, 1);
            let granted: u64 = out.grants.iter().map(|&(_, n)| u64::from(n)).sum();
            let plan = leases.plan();
            let most = u128::from(plan.burst()) + u128::from(world.length) / plan.interval().as_nanos();
            println!(
                "| {} | {} ms | {:.0} % | {nodes} | {} | {granted} | {:.1} % | {:.4} | {:.2} % |",
                row.policy,
                row.life,
                row.load * 100.0,
                out.calls,
                granted as f64 * 100.0 / most as f64,
                out.requests as f64 / out.calls as f64,
                out.lost as f64 * 100.0 / out.leased as f64,
            );
            for quota in policy.quotas() {
                let window = u64::try_from(quota.window().as_nanos()).unwrap();
                assert!(busiest(&out.grants, window) <= u64::from(quota.limit()));
            }
        }
    }
}
