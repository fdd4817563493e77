//! Common and Combined Log Format.

use jiff::Timestamp;
use tollgate_lab::log::Format;

use super::rows::{Text, round};

pub fn log_access(data: &[u8]) {
    super::any(data, Format::Access);
    let time = |seconds: u32| {
        let timestamp = Timestamp::from_second(seconds.into()).unwrap();
        timestamp.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
    };
    for (before, after) in
        [("", ""), ("", " \"-\" \"an \\\"agent\\\"\" 0.1"), ("www.example.com:80 ", " \"-\" \"-\"")]
    {
        round(data, Format::Access, &Text::Quotes, "", "bytes", |row| {
            format!(
                "{before}{} - - [{}] \"GET {} HTTP/1.1\" {} {}{after}",
                row.client,
                time(row.time),
                row.path,
                row.status,
                row.cost
            )
        });
    }
}
