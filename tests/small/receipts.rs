//! A receipt does not say to which limiter it belongs, so only limiters of the crate accept one.

use crate::algorithm::{Algorithm, TokenBucket};
use crate::decision::{Denied, Grant, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A limiter as another crate may write it: it cannot name a receipt, so it cannot forward one.
#[derive(Debug)]
struct Foreign(TokenBucket);

impl Algorithm for Foreign {
    fn policy(&self) -> &Policy {
        self.0.policy()
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.0.try_acquire_at(now, n)
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.0.peek_at(now, n)
    }

    fn status_at(&self, now: Nanos) -> Status {
        self.0.status_at(now)
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        self.0.try_grant_at(now, n)
    }
}

fn bucket() -> TokenBucket {
    TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap()
}

#[test]
fn a_foreign_limiter_takes_back_a_grant_but_no_receipt() {
    let now = Nanos::from_secs(1);
    let foreign: Box<dyn Algorithm> = Box::new(Foreign(bucket()));
    assert!(foreign.try_grant_at(now, 2).unwrap().undo());
    assert_eq!(foreign.status_at(now).remaining(), 26);
    let receipt = foreign.try_grant_at(now, 2).unwrap().into_receipt();
    assert!(!foreign.undo_receipt(receipt));
    assert_eq!(foreign.status_at(now).remaining(), 24);
}

#[test]
fn a_receipt_passes_through_pointers() {
    let now = Nanos::from_secs(1);
    let bucket: std::sync::Arc<dyn Algorithm> = std::sync::Arc::new(bucket());
    let pointers = Box::new(&bucket);
    let receipt = pointers.try_grant_at(now, 26).unwrap().into_receipt();
    assert_eq!(bucket.status_at(now).remaining(), 0);
    assert!(pointers.undo_receipt(receipt));
    assert_eq!(bucket.status_at(now).remaining(), 26);
    // Permits for nothing leave nothing to take back.
    let receipt = bucket.try_grant_at(now, 0).unwrap().into_receipt();
    assert!(!bucket.undo_receipt(receipt));
}
