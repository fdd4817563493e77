//! Histories that the search must reject.

use crate::search::{Event, linearizable};
use crate::spec::Reply;
use crate::storm::Storm;
use crate::subject::{Subject, UNIT, perform, status, take};

const ONE: Subject = Subject::Log(&[(1, 3)]);
const TWO: Subject = Subject::Log(&[(2, 3), (3, 10)]);

/// A single thread's history, which is true.
fn alone() -> Vec<Event> {
    let log = TWO.build();
    let calls =
        [take(0, 1), take(1, 1), take(2, 1), status(2), take(4, 1), take(5, 1), take(11, 2), status(11)];
    let event = |(ticket, call)| {
        let reply = perform(&*log, call);
        Event { called: 2 * ticket, returned: 2 * ticket + 1, call, reply }
    };
    (0_u64..).zip(calls).map(event).collect()
}

/// The same reply, untrue.
fn lies(reply: &Reply) -> Vec<Reply> {
    match reply {
        Reply::Granted => vec![Reply::Denied { quota: 0, retry: Some(UNIT) }],
        &Reply::Denied { quota, retry } => vec![
            Reply::Granted,
            Reply::Denied { quota: 1 - quota, retry },
            Reply::Denied { quota, retry: retry.map(|retry| retry + UNIT) },
            Reply::Denied { quota, retry: None },
        ],
        Reply::Status(quotas) => {
            let mut quotas = quotas.clone();
            quotas[0].0 ^= 1;
            vec![Reply::Status(quotas)]
        }
        Reply::Held { .. } | Reply::Undone(_) => unreachable!("nobody undoes anything here"),
    }
}

#[test]
fn each_lie_of_one_thread_is_caught() {
    let truth = alone();
    let spec = TWO.spec();
    assert!(linearizable(&spec, &truth));
    assert!(truth.iter().filter(|event| matches!(event.reply, Reply::Denied { .. })).count() >= 2);
    for place in 0..truth.len() {
        for lie in lies(&truth[place].reply) {
            let mut told = truth.clone();
            told[place].reply = lie;
            assert!(!linearizable(&spec, &told), "{:?} was believed", told[place]);
        }
    }
}

#[test]
fn a_retry_moved_by_a_nanosecond_is_caught_among_threads() {
    let storm = Storm { threads: 4, calls: 4, rounds: 200, yields: true };
    let spec = TWO.spec();
    let mut caught = 0;
    for mut told in storm.record(3, || crate::limiter(TWO)) {
        let retry = told.iter_mut().find_map(|event| match &mut event.reply {
            Reply::Denied { retry: Some(retry), .. } => Some(retry),
            _ => None,
        });
        if let Some(retry) = retry {
            *retry += 1;
            assert!(!linearizable(&spec, &told), "believed: {told:#?}");
            caught += 1;
        }
    }
    assert!(caught > 100, "only {caught} rounds had a denial");
}

/// The first permit goes to the one who asks first, or to either if they overlap.
#[test]
fn the_order_of_calls_counts() {
    let denied = Reply::Denied { quota: 0, retry: Some(3 * UNIT) };
    let believed = |granted: (u64, u64), refused: (u64, u64)| {
        let event = |(called, returned), reply| Event { called, returned, call: take(0, 1), reply };
        let told = [event(granted, Reply::Granted), event(refused, denied.clone())];
        linearizable(&ONE.spec(), &told)
    };
    assert!(believed((0, 1), (2, 3)));
    assert!(believed((1, 3), (0, 2)));
    assert!(!believed((2, 3), (0, 1)));
}
