//! `RateLimit-Policy` and `RateLimit`, the structured fields of the IETF's drafts, as quotas.

use core::time::Duration;

use super::ignored::Nonsense;
use super::slots::{DRAFT, Slot, Slots, keep_least, keep_most};
use super::structured::{self, Bare, Item, Keys, Member, Parameters};

/// The policies: `"burst";q=100;w=60` or, without names, `100;w=60`. Each mistake is told apart.
pub(super) fn policies(field: &[u8], slots: &mut Slots, mut ignore: impl FnMut(Nonsense)) {
    let Some(members) = structured::list(field) else { return ignore(Nonsense::NotStructured) };
    for member in members {
        policy(&member, slots).unwrap_or_else(&mut ignore);
    }
}

/// What is left by the drafts 8 to 11, `"burst";r=50;t=30`, or by draft 7, `limit=100, remaining=50, reset=30`.
pub(super) fn limits(field: &[u8], slots: &mut Slots, mut ignore: impl FnMut(Nonsense)) {
    if let Some(members) = structured::list(field) {
        for member in members {
            limit(&member, slots).unwrap_or_else(&mut ignore);
        }
    } else {
        let members = structured::dictionary(field).ok_or(Nonsense::NotStructured);
        members.and_then(|members| limit_of_draft_7(&members, slots)).unwrap_or_else(ignore);
    }
}

/// The drafts 0 to 2: a limit, then all limits with their windows, `10, 10;w=1, 50;w=60`.
pub(super) fn limit_and_policies(
    field: &[u8],
    family: &'static str,
    name: &str,
    slots: &mut Slots,
) -> Result<(), Nonsense> {
    let members = structured::list(field).ok_or(Nonsense::NotStructured)?;
    let mut limits = members.iter().filter_map(|member| match member {
        Member::Item(item) => Some((natural(&item.bare)?, window(&item.parameters))),
        Member::Inner(..) => None,
    });
    let (limit, window) = limits.next().ok_or(Nonsense::NotANumber)?;
    let quota = &mut slots.named(family, name)?.quota;
    keep_least(&mut quota.limit, limit);
    quota.window = quota.window.or(window);
    limits.try_for_each(|(limit, window)| slots.nameless(limit, window))
}

fn policy(member: &Member<'_>, slots: &mut Slots) -> Result<(), Nonsense> {
    let Member::Item(Item { bare, parameters }) = member else { return Err(Nonsense::NotAQuota) };
    if let Some(limit) = natural(bare) {
        return slots.nameless(limit, window(parameters));
    }
    let name = name(bare)?;
    let limit = parameters.get("q").and_then(natural).ok_or(Nonsense::NotAQuota)?;
    let quota = &mut partition(name, parameters, slots)?.quota;
    keep_least(&mut quota.limit, limit);
    quota.window = quota.window.or(window(parameters));
    if let Some(Bare::String(unit)) = parameters.get("qu") {
        quota.unit = super::quota::ServerUnit::of_draft(unit);
    }
    Ok(())
}

fn limit(member: &Member<'_>, slots: &mut Slots) -> Result<(), Nonsense> {
    let Member::Item(Item { bare, parameters }) = member else { return Err(Nonsense::NotAQuota) };
    let name = name(bare)?;
    let remaining = parameters.get("r").and_then(natural).ok_or(Nonsense::NotAQuota)?;
    let quota = &mut partition(name, parameters, slots)?.quota;
    keep_least(&mut quota.remaining, remaining);
    if let Some(reset) = parameters.get("t").and_then(seconds) {
        keep_most(&mut quota.reset, reset);
    }
    Ok(())
}

fn limit_of_draft_7(members: &Keys<'_, Member<'_>>, slots: &mut Slots) -> Result<(), Nonsense> {
    let bare = |key| match members.get(key) {
        Some(Member::Item(item)) => Some(&item.bare),
        _ => None,
    };
    let limit = bare("limit").and_then(natural);
    let remaining = bare("remaining").and_then(natural);
    if limit.is_none() && remaining.is_none() {
        return Err(Nonsense::NotAQuota);
    }
    let quota = &mut slots.named(DRAFT, "")?.quota;
    if let Some(limit) = limit {
        keep_least(&mut quota.limit, limit);
    }
    if let Some(remaining) = remaining {
        keep_least(&mut quota.remaining, remaining);
    }
    if let Some(reset) = bare("reset").and_then(seconds) {
        keep_most(&mut quota.reset, reset);
    }
    Ok(())
}

/// The quota with this name and, if both have one, this partition key.
fn partition<'a>(
    name: &str,
    parameters: &Parameters<'_>,
    slots: &'a mut Slots,
) -> Result<&'a mut Slot, Nonsense> {
    let key = match parameters.get("pk") {
        Some(Bare::Bytes(key)) => Some(key),
        _ => None,
    };
    let fits = |slot: &Slot| key.is_none() || slot.partition.is_none() || slot.partition.as_ref() == key;
    let slot = slots.fitting(DRAFT, name, fits)?;
    if slot.partition.is_none() {
        slot.partition = key.cloned();
    }
    Ok(slot)
}

fn name<'a>(bare: &'a Bare<'_>) -> Result<&'a str, Nonsense> {
    match bare {
        Bare::String(name) => Ok(name),
        Bare::Token(name) => Ok(name),
        _ => Err(Nonsense::NotAQuota),
    }
}

fn natural(bare: &Bare<'_>) -> Option<u64> {
    match *bare {
        Bare::Integer(number) => u64::try_from(number).ok(),
        Bare::Decimal(thousandths) => u64::try_from(thousandths).ok().map(|number| number / 1000),
        _ => None,
    }
}

fn seconds(bare: &Bare<'_>) -> Option<Duration> {
    match *bare {
        Bare::Integer(number) => u64::try_from(number).ok().map(Duration::from_secs),
        Bare::Decimal(thousandths) => u64::try_from(thousandths).ok().map(Duration::from_millis),
        _ => None,
    }
}

fn window(parameters: &Parameters<'_>) -> Option<Duration> {
    parameters.get("w").and_then(seconds).filter(|window| !window.is_zero())
}
