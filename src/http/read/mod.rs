//! What a server said, from the fields of its response.

mod date;
mod drafts;
mod duration;
mod feedback;
mod heed;
mod ignored;
mod moment;
mod names;
mod number;
mod quota;
mod reader;
mod slots;
mod structured;
mod verdict;

pub use feedback::Feedback;
pub use heed::{Heed, Heeded};
pub use ignored::{Ignored, Nonsense};
pub use quota::{ServerQuota, ServerUnit};
