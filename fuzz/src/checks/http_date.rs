//! Our reader of dates and that of the crate `httpdate` say the same of any text. No text makes the other forms panic.

use std::time::{SystemTime, UNIX_EPOCH};

use super::date;

pub fn http_date(data: &[u8]) {
    let text = data.trim_ascii();
    let ours = date::http_date(text);
    let theirs = std::str::from_utf8(text).ok().and_then(|text| text.parse::<httpdate::HttpDate>().ok());
    let theirs = theirs.and_then(|date| SystemTime::from(date).duration_since(UNIX_EPOCH).ok());
    // They know no leap second.
    if !text.windows(3).any(|part| part == b":60") {
        assert_eq!(ours, theirs, "{:?}", text.escape_ascii().to_string());
    }
    if ours.is_some() {
        assert_eq!(date::instant(text), ours);
    }
    let _ = date::instant(data);
}
