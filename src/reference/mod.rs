//! The exact rule behind a mutex, and the strategies that people use elsewhere, to compare with.
//!
//! Each strategy is a plain sequential [`Machine`]. [`Locked`] puts a `parking_lot::Mutex` around it, which makes it an
//! [`Algorithm`](crate::Algorithm). Only one of them keeps the rule:
//!
//! | machine | keeps the rule | most in any window of `limit` | state |
//! |---|---|---|---|
//! | [`LogMachine`] | yes, exactly | `limit` | a deque of instants |
//! | [`BucketMachine`] | no | `2 * limit - 1` | one instant per quota |
//! | [`FixedWindow`] | no | `2 * limit` | one count per quota |
//! | [`SlidingWindowCounter`] | no | about `limit`, more when traffic is uneven | two counts per quota |

mod fixed_window;
mod locked;
mod log;
mod sliding_window_counter;
mod token_bucket;

pub use fixed_window::FixedWindow;
pub use locked::{Locked, Machine};
pub use log::LogMachine;
pub use sliding_window_counter::SlidingWindowCounter;
pub use token_bucket::BucketMachine;
