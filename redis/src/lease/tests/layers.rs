//! What a layer of `tollgate::tower` is told.

use tollgate::Policy;
use tollgate::tower::server::{Answer, Limiter};

use super::world::{Bucket, ms};
use crate::lease::terms::{Leases, WhenAway};

fn leases() -> Leases {
    Leases::new(Policy::MICROSOFT_365_DEFENDER, WhenAway::Refuse).unwrap()
}

#[tokio::test(start_paused = true)]
async fn granted_refused_or_no_decision() {
    let bucket = Bucket::of(&leases(), ms(2));
    let limiter = bucket.limiter(leases());
    assert_eq!(limiter.fields().len(), 1);
    assert_eq!(limiter.identity(), limiter.clone().identity());
    let granted = Limiter::decide(&limiter, None, 1).await;
    assert_eq!(granted.result(), Some(Ok(())));
    assert_eq!(granted.status().map(tollgate::Status::remaining), Some(25));

    bucket.drain(25);
    let refused = Limiter::decide(&limiter, None, 1).await;
    let denied = refused.result().unwrap().unwrap_err();
    let status = refused.status().unwrap();
    assert_eq!((status.at(), status.remaining()), (denied.at(), 0));
    assert_eq!(Some(status.next_at()), denied.retry_at());

    bucket.set_away(true);
    tokio::time::sleep(denied.retry_after().unwrap()).await;
    assert_eq!(Limiter::decide(&limiter, None, 1).await, Answer::NONE);
}
