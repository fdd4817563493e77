//! What a status must say.

use tollgate::Status;

use crate::oracle::Left;
use crate::subjects::at;

/// `told` turns the oracle's instant into nanoseconds: `None` if time never gets there.
pub fn assert_left(status: &Status, now: u64, left: &[Left], told: impl Fn(u128) -> Option<u64>) {
    assert_eq!(status.at(), at(now));
    assert_eq!(status.quotas().len(), left.len());
    assert_eq!(status.remaining(), left.iter().map(|left| left.remaining).min().unwrap());
    for (quota, left) in status.quotas().iter().zip(left) {
        assert_eq!(quota.remaining, left.remaining, "at {now}: {status:?}");
        for (said, exact) in [(quota.next_at, left.next_at), (quota.reset_at, left.reset_at)] {
            match exact {
                None => assert!(said <= at(now), "there at {now}: {status:?}"),
                Some(instant) => {
                    assert_eq!(said, at(told(instant).unwrap_or(u64::MAX)), "at {now}: {status:?}");
                }
            }
        }
    }
}
