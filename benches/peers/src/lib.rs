//! What is compared, on which clock, and how it is called: shared by the report, the contention run and the
//! criterion bench, so that all three time the same thing.

pub mod clock;
pub mod contender;
pub mod keyed;
pub mod locked;
pub mod machine;
pub mod replay;
