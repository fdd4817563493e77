//! The body of a refusal: one JSON object (RFC 9457).

use core::fmt;

use super::names::problem::{ANY, QUOTA_EXCEEDED, REDUCED_CAPACITY, RETRY_AFTER, VIOLATED_POLICIES};
use super::refusal::{Kind, Refusal};
use crate::nanos::Nanos;

/// The body of a refusal in the form of RFC 9457. It is written by its `Display`, which allocates nothing.
///
/// | member | value |
/// |---|---|
/// | `type` | what kind of problem it is: an address that the draft registers, or `about:blank` |
/// | `title` | the same in words |
/// | `status` | the status of the response |
/// | `detail` | sentences for the person who looks into it |
/// | `violated-policies` | the names of all policies that refuse the call, if there are any |
/// | `retry-after` | the seconds of `Retry-After`, which a page of another origin often cannot read |
///
/// No text needs to be escaped: what comes from a policy are names of letters, digits, `-`, `_` and `.`, and numbers.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a>(pub(super) Refusal<'a>);

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = &self.0;
        let (kind, title) = match refusal.kind() {
            Kind::Exceeded => (QUOTA_EXCEEDED, "Quota exceeded"),
            Kind::Paused => (REDUCED_CAPACITY, "Capacity is reduced for a time"),
            Kind::TooLarge => (ANY, "Bad Request"),
        };
        let status = refusal.status_code().as_u16();
        write!(f, "{{\"type\":\"{kind}\",\"title\":\"{title}\",\"status\":{status},\"detail\":\"")?;
        self.detail(f)?;
        f.write_str("\"")?;
        for (i, (_, policy)) in refusal.violated_policies().enumerate() {
            match i {
                0 => write!(f, ",\"{VIOLATED_POLICIES}\":[{}", policy.quoted)?,
                _ => write!(f, ",{}", policy.quoted)?,
            }
        }
        if refusal.violated_policies().next().is_some() {
            f.write_str("]")?;
        }
        if let Some(seconds) = refusal.retry_after_secs() {
            write!(f, ",\"{RETRY_AFTER}\":{seconds}")?;
        }
        f.write_str("}")
    }
}

impl Problem<'_> {
    fn detail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = &self.0;
        let (cost, burst) = (refusal.cost, refusal.burst);
        match refusal.kind() {
            Kind::TooLarge => {
                return write!(
                    f,
                    "The call takes {cost} permits, and at most {burst} are ever granted at once."
                );
            }
            Kind::Paused => f.write_str("No calls are taken for a time.")?,
            Kind::Exceeded if refusal.is_joint() => match refusal.fields.pace {
                Some(pace) => {
                    let interval = Nanos::ZERO.saturating_add(pace.interval);
                    write!(
                        f,
                        "Calls come too fast: {burst} are granted at once, and then one every {interval}."
                    )?;
                }
                None => f.write_str("Calls come too fast.")?,
            },
            Kind::Exceeded => self.exceeded(f)?,
        }
        match (refusal.retry_after_secs(), refusal.kind()) {
            (Some(1), _) => f.write_str(" Retry after 1 second."),
            (Some(seconds), _) => write!(f, " Retry after {seconds} seconds."),
            (None, Kind::Paused) => f.write_str(" Nobody knows for how long."),
            (None, _) => f.write_str(" No call is granted again."),
        }
    }

    /// `The quotas 50/1m and 1500/1h are exceeded.`
    fn exceeded(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotas = self.0.fields.policy.quotas();
        let violated = || self.0.violated_policies().filter_map(|(i, _)| quotas.get(i));
        let count = violated().count();
        f.write_str(if count == 1 { "The quota " } else { "The quotas " })?;
        for (i, quota) in violated().enumerate() {
            let before = match i {
                0 => "",
                _ if i + 1 == count => " and ",
                _ => ", ",
            };
            write!(f, "{before}{quota}")?;
        }
        f.write_str(if count == 1 { " is exceeded." } else { " are exceeded." })
    }
}
