//! What a server says, to the byte; and that a client who obeys it is never refused.
//!
//! | file | question |
//! |---|---|
//! | `exact` | is each family as its draft has it |
//! | `refusals` | what is a refused call answered, of every kind |
//! | `agree` | do the fields of one refusal agree with each other and with the limiter, whatever happened meanwhile |
//! | `obey` | is a client that obeys the fields alone ever refused, or slowed |
//! | `names` | can a name ever need an escape, or occur twice |
//! | `cost` | what is allocated |
//! | `parsed` | the fields as another parser reads them |

mod agree;
mod cost;
mod exact;
mod names;
mod obey;
#[path = "../oracle/mod.rs"]
mod oracle;
mod parsed;
#[allow(dead_code, reason = "it is also of tests that play histories")]
#[path = "../subjects/random.rs"]
mod random;
mod refusals;
#[path = "../subjects/mod.rs"]
mod subjects;

use http::{HeaderMap, StatusCode};
use tollgate::http::Fields;
use tollgate::{Algorithm, Nanos};

/// The fields of a granted response at `now`.
fn granted(fields: &Fields, limiter: &(impl Algorithm + ?Sized), now: Nanos) -> HeaderMap {
    let mut headers = HeaderMap::new();
    fields.write(&mut headers, &limiter.status_at(now));
    headers
}

/// The status, the fields and the body that a call for `n` gets, which is refused.
fn refused(
    fields: &Fields,
    limiter: &(impl Algorithm + ?Sized),
    now: Nanos,
    n: u32,
) -> (StatusCode, HeaderMap, String) {
    let denied = limiter.try_acquire_at(now, n).unwrap_err();
    let (parts, body) = fields.refusal(&denied, &limiter.status_at(now), n).response().into_parts();
    (parts.status, parts.headers, body)
}

/// `name: value` of each field, in the order of the names.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut fields: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    fields.sort_unstable();
    fields.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}
