//! JSON lines.

use serde_json::json;
use tollgate_lab::log::Format;

use super::rows::{Text, round};

pub fn log_json(data: &[u8]) {
    super::any(data, Format::Json);
    round(data, Format::Json, &Text::Any, "", "usage.tokens", |row| {
        let request = json!({"remote_ip": row.client, "uri": row.path, "other": [{"remote_ip": "no"}, null]});
        json!({"status": row.status, "request": request, "usage": {"tokens": row.cost}, "ts": row.time})
            .to_string()
    });
}
