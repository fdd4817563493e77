//! The W3C Extended Log Format.

use jiff::Timestamp;
use tollgate_lab::log::Format;

use super::rows::{Text, round};

pub fn log_w3c(data: &[u8]) {
    super::any(data, Format::W3c);
    for space in [" ", "\t"] {
        let header = "#Version: 1.0\n#Fields: date time c-ip cs-uri-stem sc-status sc-bytes\n";
        round(data, Format::W3c, &Text::Plain, header, "sc-bytes", |row| {
            let time = Timestamp::from_second(row.time.into()).unwrap().strftime("%F %T").to_string();
            let rest = [row.client.clone(), row.path.clone(), row.status.to_string(), row.cost.to_string()];
            format!("{}{space}{}", time.replace(' ', space), rest.join(space))
        });
    }
}
