//! CSV and TSV.

use tollgate_lab::log::Format;

use super::rows::{Text, round};

pub fn log_csv(data: &[u8]) {
    super::any(data, Format::Csv);
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for comma in [",", "\t", ";"] {
        let header = ["status", "path", "time", "client", "tokens"].join(comma) + "\n";
        round(data, Format::Csv, &Text::Any, &header, "tokens", |row| {
            let fields = [
                row.status.to_string(),
                quoted(&row.path),
                row.time.to_string(),
                quoted(&row.client),
                row.cost.to_string(),
            ];
            fields.join(comma)
        });
    }
}
