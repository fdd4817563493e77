//! The executions that are not continued lose no outcome.

use crate::explore::{Reduction, explore_with};
use crate::models::{
    ANNOUNCED_STATUS, ANNOUNCED_TWO, LOG_GROUP, LOG_LAPS, LOG_STALE, LOG_STATUS, LOG_TWO, PAIR_TWO, WORD_TWO,
};
use crate::removed::{LAGGING_RUN, SLEEPING_ANNOUNCER, SLEEPING_OWNER, STALE_CLAIM};
use crate::weakened::{LATER_END, LATER_FILL, RECALLED_BEHIND, TORN_REFUSAL};

#[test]
fn switching_reduced_finds_every_outcome() {
    for model in [
        &WORD_TWO,
        &PAIR_TWO,
        &ANNOUNCED_TWO,
        &ANNOUNCED_STATUS,
        &LOG_TWO,
        &LOG_GROUP,
        &LOG_LAPS,
        &LOG_STALE,
        &LOG_STATUS,
        &LAGGING_RUN,
        &SLEEPING_ANNOUNCER,
        &SLEEPING_OWNER,
        &STALE_CLAIM,
        &LATER_END,
        &LATER_FILL,
        &RECALLED_BEHIND,
        &TORN_REFUSAL,
    ] {
        let whole = explore_with(model, None, Reduction::None, None).expect("it holds");
        let reduced = explore_with(model, None, Reduction::Full, None).expect("it holds");
        assert_eq!(reduced.outcomes.all(), whole.outcomes.all(), "{}", model.name);
        assert!(reduced.states < whole.states, "{}", model.name);
    }
}
