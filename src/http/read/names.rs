//! Which field tells what, in one table.

/// What a field tells. The strings in it are parts of the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// When to come back: see [`Retry`].
    Retry(Retry),
    /// Something about one quota: the family of fields to which it belongs, what it tells, and the quota's name.
    Quota(&'static str, Tells, &'a str),
    /// The quotas of the server, by the IETF's drafts.
    Policy,
    /// What is left of them.
    Limits,
    /// The name of the quota to which the fields without a name belong.
    Name,
    /// Limits and their windows, `20:1,100:120`, of quotas with this name.
    Pairs(&'static str),
    /// The same with what is used of each.
    PairsUsed(&'static str),
    /// What is used and the limit, `32/40`.
    Fraction,
    /// How much of the limit is used, 1 being all of it.
    Share,
    /// Whose limit it was.
    Cause(&'static [Word]),
    /// Whoever sends this wants a minute of silence if he does not say otherwise.
    GitHub,
}

/// The fields that tell when to come back. The first of them that can be read wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Millis,
    MicrosoftMillis,
    SecondsOrDate,
    /// Whole seconds, rounded down: so it takes up to a second longer.
    RoundedDown,
}

/// What a field tells of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    Limit,
    Remaining,
    Used,
    Reset,
    /// In seconds, and more precise than a reset.
    ResetAfter,
    Window,
    /// How many permits come back in a second.
    Rate,
    /// How many permits a call costs.
    Cost,
}

/// A value that says that a call was refused because of others, or because of calls in progress, in capitals or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Is(&'static str),
    EndsWith(&'static str),
}

/// Every field with a name of its own.
const FIELDS: [(&str, Field<'static>); 21] = [
    ("retry-after-ms", Field::Retry(Retry::Millis)),
    ("x-ms-retry-after-ms", Field::Retry(Retry::MicrosoftMillis)),
    ("retry-after", Field::Retry(Retry::SecondsOrDate)),
    ("x-ratelimit-after", Field::Retry(Retry::RoundedDown)), // tower_governor, actix-governor
    ("ratelimit", Field::Limits),                            // drafts 7 to 11
    ("ratelimit-policy", Field::Policy),
    ("x-ratelimit-bucket", Field::Name), // Discord
    ("x-ratelimit-scope", Field::Cause(&[Word::Is("shared")])),
    ("x-ratelimit-resource", Field::Name), // GitHub
    ("x-github-request-id", Field::GitHub),
    ("x-ratelimit-burst-capacity", Field::Quota("x-ratelimit", Tells::Limit, "")), // Spring Cloud Gateway
    ("x-ratelimit-replenish-rate", Field::Quota("x-ratelimit", Tells::Rate, "")),
    ("x-ratelimit-requested-tokens", Field::Quota("x-ratelimit", Tells::Cost, "")),
    ("x-app-rate-limit", Field::Pairs("app")), // Riot
    ("x-app-rate-limit-count", Field::PairsUsed("app")),
    ("x-method-rate-limit", Field::Pairs("method")),
    ("x-method-rate-limit-count", Field::PairsUsed("method")),
    ("x-rate-limit-type", Field::Cause(&[Word::Is("service")])),
    ("stripe-rate-limited-reason", Field::Cause(&[Word::EndsWith("-concurrency")])),
    ("x-shopify-shop-api-call-limit", Field::Fraction),
    ("x-ms-throttle-limit-percentage", Field::Share), // Microsoft Graph
];

/// Where the name of a quota stands in the name of a field.
#[derive(Clone, Copy)]
enum Place {
    /// `x-ratelimit-limit-requests`, or `x-ratelimit-limit` of a quota without a name.
    Last,
    /// `anthropic-ratelimit-requests-limit`
    First,
}

/// Every family of fields that tell of a quota.
const FAMILIES: [(&str, Place); 5] = [
    ("x-ratelimit", Place::Last),
    ("x-rate-limit", Place::Last),
    ("ratelimit", Place::Last), // drafts 0 to 6
    ("anthropic-ratelimit", Place::First),
    ("anthropic-priority", Place::First),
];

const TELLS: [(&str, Tells); 6] = [
    ("limit", Tells::Limit),
    ("remaining", Tells::Remaining),
    ("used", Tells::Used),
    ("reset-after", Tells::ResetAfter),
    ("reset", Tells::Reset),
    ("renewalperiod", Tells::Window), // Azure
];

/// What the field with this name tells. The name is in lower case.
pub(super) fn field(name: &str) -> Option<Field<'_>> {
    let named = FIELDS.iter().find(|(known, _)| *known == name);
    named.map(|&(_, field)| field).or_else(|| FAMILIES.iter().find_map(|&family| of_family(name, family)))
}

fn of_family<'a>(name: &'a str, (family, place): (&'static str, Place)) -> Option<Field<'a>> {
    let rest = name.strip_prefix(family)?.strip_prefix('-')?;
    TELLS.iter().find_map(|&(word, tells)| {
        let quota = match place {
            _ if rest == word => Some(""),
            Place::Last => rest.strip_prefix(word)?.strip_prefix('-'),
            Place::First => rest.strip_suffix(word)?.strip_suffix('-'),
        };
        quota.map(|quota| Field::Quota(family, tells, quota))
    })
}

impl Word {
    pub(super) fn matches(self, value: &str) -> bool {
        match self {
            Word::Is(word) => value.eq_ignore_ascii_case(word),
            Word::EndsWith(end) => {
                let start = value.len().checked_sub(end.len());
                start.and_then(|start| value.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
            }
        }
    }
}
