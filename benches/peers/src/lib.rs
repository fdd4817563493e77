//! What is compared, on which clock, and how it is called. `report`, `contention` and the criterion bench share this, so
//! that all three measure the same thing.

pub mod clock;
pub mod contender;
pub mod keyed;
pub mod locked;
pub mod machine;
pub mod replay;
