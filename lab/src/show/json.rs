//! What does a program read?

use std::time::Duration;

use serde_json::{Number, Value, json};

use crate::replay::Figures;
use crate::report::Report;
use crate::traffic::Traffic;

/// The keys, for `--help`.
pub const KEYS: &str = "\
{
  \"policy\": \"50/1m, 1500/1h\",    as it is understood
  \"events\": N,
  \"clients\": N | null,           null: the trace has no such column
  \"per_client\": true | false,    a limiter for each client, or one for all
  \"strategies\": [                always all of them, in the same order
    {
      \"name\": \"sliding_log\",
      \"granted\": N,
      \"refused\": N,
      \"refused_by\": [N, ...],    by the quota that the refusal named, in the order of the policy
      \"worst\": [{\"window_s\": 60, \"limit\": 50, \"count\": 50}, ...],
      \"retry\": {\"promised\": N, \"kept\": N, \"late\": N},
      \"ns_per_decision\": 1.2 | null,    null: fewer than 1000 events
      \"state_bytes\": N,
      \"waiting\": {               a client that waits instead of being refused, in seconds
        \"silence_s\": 1860,
        \"wait_s\": {\"p50\": 1.5, \"p90\": 60, \"p99\": 62, \"max\": 62},    null: fewer were ever served
        \"last_s\": 3600,
        \"unserved\": N
      }
    }, ...
  ]
}
A strategy that cannot serve this policy and traffic has only \"name\" and \"error\". Keys may be
added, none is renamed or removed.";

/// The report as one JSON object.
pub fn value(report: &Report, traffic: &Traffic) -> Value {
    let strategies = report.rows.iter().map(|row| match &row.figures {
        Ok(figures) => strategy(report, &row.name, figures),
        Err(error) => json!({"name": row.name, "error": error}),
    });
    json!({
        "policy": report.policy.to_string(),
        "events": traffic.steps.len(),
        "clients": (!traffic.clients.is_empty()).then_some(traffic.clients.len()),
        "per_client": traffic.per_client,
        "strategies": strategies.collect::<Vec<_>>(),
    })
}

fn strategy(report: &Report, name: &str, figures: &Figures) -> Value {
    let worst = report.policy.quotas().iter().zip(&figures.worst).map(
        |(quota, count)| json!({"window_s": seconds(quota.window()), "limit": quota.limit(), "count": count}),
    );
    let waiting = &figures.waiting;
    let [p50, p90, p99, max] =
        waiting.waits.map(|wait| wait.map(|nanos| seconds(Duration::from_nanos(nanos))));
    json!({
        "name": name,
        "granted": figures.granted,
        "refused": figures.refused(),
        "refused_by": figures.refused_by,
        "worst": worst.collect::<Vec<_>>(),
        "retry": {
            "promised": figures.retry.promised,
            "kept": figures.retry.kept,
            "late": figures.retry.late,
        },
        "ns_per_decision": figures.ns_per_decision.map(|ns| (ns * 10.0).round() / 10.0),
        "state_bytes": figures.state_bytes,
        "waiting": {
            "silence_s": seconds(Duration::from_nanos(waiting.silence)),
            "wait_s": {"p50": p50, "p90": p90, "p99": p99, "max": max},
            "last_s": seconds(Duration::from_nanos(waiting.last)),
            "unserved": waiting.unserved,
        },
    })
}

/// Whole seconds as a whole number.
fn seconds(duration: Duration) -> Option<Number> {
    match duration.subsec_nanos() {
        0 => Some(Number::from(duration.as_secs())),
        _ => Number::from_f64(duration.as_secs_f64()),
    }
}
