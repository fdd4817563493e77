//! What does a program read?

use std::time::Duration;

use serde_json::{Map, Number, Value, json};

use super::VERSION;
use crate::log::Summary;
use crate::replay::Figures;
use crate::report::Report;
use crate::traffic::Traffic;

/// The keys, for `--help`.
pub const KEYS: &str = "\
{
  \"version\": 1,                  of these keys: it grows when one changes its meaning or goes
  \"policy\": \"50/1m, 1500/1h\",    as it is understood
  \"events\": N,
  \"clients\": N | null,           null: the trace has no such column
  \"per_client\": true | false,    a limiter for each client, or one for all
  \"log\": {                       how the log was understood; null: it is a built-in workload
    \"formats\": [\"Combined Log Format\"],
    \"time\": \"time\", \"client\": \"client\" | null, \"cost\": null,    the fields they were read from
    \"lines\": N,                  neither blank nor comments
    \"skipped\": N,                no requests
    \"first_skipped\": \"line 7: ...\" | null,
    \"filtered\": N,               left out by --only and --path
    \"out_of_order\": N,           sorted
    \"out_of_order_s\": 1.5        by how much at the most
  } | null,
  \"strategies\": [                always all of them, in the same order; keyed_table with --per-client
    {
      \"name\": \"sliding_log\",
      \"granted\": N,
      \"refused\": N,
      \"never\": N,               of those, more permits than are ever granted at once; only with --cost
      \"refused_by\": [N, ...],    by the quota that was exceeded, in the order of the policy
      \"refused_by_pace\": N,       no quota was exceeded: the strategy spaces its calls
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
With several policies \"policy\" and \"strategies\" are found in each object of \"policies\": [...] instead.
A strategy that cannot serve this policy and traffic has only \"name\" and \"error\". Keys may be
added, none is renamed or removed.";

/// The whole comparison as one JSON object.
pub fn value(reports: &[Report], traffic: &Traffic) -> Value {
    let mut value = Map::new();
    value.insert("version".into(), json!(VERSION));
    if let [report] = reports {
        value.insert("policy".into(), json!(report.policy.to_string()));
    }
    value.insert("events".into(), json!(traffic.steps.len()));
    value.insert("clients".into(), json!((!traffic.clients.is_empty()).then_some(traffic.clients.len())));
    value.insert("per_client".into(), json!(traffic.per_client));
    value.insert("log".into(), json!(traffic.log.as_ref().map(log)));
    if let [report] = reports {
        value.insert("strategies".into(), strategies(report, traffic));
    } else {
        let policies = reports.iter().map(
            |report| json!({"policy": report.policy.to_string(), "strategies": strategies(report, traffic)}),
        );
        value.insert("policies".into(), policies.collect());
    }
    Value::Object(value)
}

/// How the traffic was read from a log.
pub fn log(log: &Summary) -> Value {
    json!({
        "formats": log.formats,
        "time": log.time,
        "client": log.client,
        "cost": log.cost,
        "lines": log.lines,
        "skipped": log.skipped,
        "first_skipped": log.first_skipped,
        "filtered": log.filtered,
        "out_of_order": log.late,
        "out_of_order_s": seconds(Duration::from_nanos(log.latest)),
    })
}

fn strategies(report: &Report, traffic: &Traffic) -> Value {
    let rows = report.rows.iter().map(|row| match &row.figures {
        Ok(figures) => {
            let mut value = strategy(report, &row.name, figures);
            if traffic.has_costs() {
                value["never"] = json!(figures.never);
            }
            value
        }
        Err(error) => json!({"name": row.name, "error": error}),
    });
    rows.collect()
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
        "refused_by_pace": figures.refused_by_pace,
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
pub fn seconds(duration: Duration) -> Option<Number> {
    match duration.subsec_nanos() {
        0 => Some(Number::from(duration.as_secs())),
        _ => Number::from_f64(duration.as_secs_f64()),
    }
}
