//! The access log of an AWS Application Load Balancer.

use jiff::Timestamp;
use tollgate_lab::log::Format;

use super::rows::{Text, round};

pub fn log_alb(data: &[u8]) {
    super::any(data, Format::Alb);
    round(data, Format::Alb, &Text::Plain, "", "received_bytes", |row| {
        let time = Timestamp::from_second(row.time.into()).unwrap();
        format!(
            "h2 2024-05-01T12:00:00Z app {}:80 10.0.0.1:80 0 0 0 {} 200 {} 1 \"GET https://h:443{} HTTP/2.0\" \
             \"-\" - - arn \"-\" \"-\" \"-\" 0 {time} \"forward\"",
            row.client, row.status, row.cost, row.path
        )
    });
}
