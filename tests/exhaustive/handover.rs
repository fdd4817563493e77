//! One thread tells another of its call: the memory respects it, and the check asks for it.

use crate::explore::{Reduction, explore_with};
use crate::fault::{Effect, Fault};
use crate::model::{Failure, Model};
use crate::program::Handover;
use crate::spec::Reply;
use crate::subject::{Subject, peek, take};
use crate::weakened::LOG;

/// One permit, and a look that may come before or after it is taken.
const LOOK: Model = Model {
    name: "log of one slot, a look and a grant",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(1, 1)], &[peek(1, 1)]],
    after: &[],
    bound: None,
};

/// What the look was answered, in each execution.
fn looks(handover: Option<Handover>) -> Result<Vec<Reply>, Failure> {
    let explored = explore_with(&LOOK, None, Reduction::Full, handover)?;
    let mut replies: Vec<Reply> =
        explored.outcomes.all().iter().map(|(heard, _)| heard[1][0].1.clone()).collect();
    replies.sort_by_key(|reply| *reply == Reply::Granted);
    Ok(replies)
}

#[test]
fn who_was_told_sees_it() {
    let either = looks(None).expect("it holds");
    assert_eq!(either.len(), 2);
    let told = looks(Some(Handover { tells: (0, 0), waits: (1, 0) })).expect("it holds");
    assert_eq!(told, either[..1]);
    let before = looks(Some(Handover { tells: (1, 0), waits: (0, 0) })).expect("it holds");
    assert_eq!(before, either[1..]);
}

/// A look that sees nothing may have come first, unless it was told.
#[test]
fn who_was_told_and_does_not_see_it_is_caught() {
    let blind = Some(Fault::new(LOG, "*", Effect::Forgets).in_thread(1));
    let told = Some(Handover { tells: (0, 0), waits: (1, 0) });
    assert!(explore_with(&LOOK, blind, Reduction::Full, None).is_ok());
    let caught = explore_with(&LOOK, blind, Reduction::Full, told);
    assert!(matches!(caught, Err(Failure::Unexplained(_))), "{caught:?}");
}
