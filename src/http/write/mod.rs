//! What a server says: the fields and the body of a response.
//!
//! | file | question |
//! |---|---|
//! | `names` | how everything on the wire is called |
//! | `fields` | what is the same in every response of a policy, and where the rest is written: [`Fields`] |
//! | `items` | what is available, and in which time. `fields.md` says why |
//! | `refusal` | what a refused call is answered: [`Refusal`] |
//! | `problem` | the body of that answer: [`Problem`] |
//! | `text` | how a value becomes bytes |

mod fields;
mod items;
mod names;
mod problem;
mod refusal;
mod text;

pub use fields::{Family, Fields, Unit};
pub use names::{EXPOSED_HEADERS, EXPOSED_HEADERS_VALUE, PROBLEM_JSON};
pub use problem::Problem;
pub use refusal::Refusal;
