//! Our reader of dates and that of the crate `httpdate` say the same of any text. No text makes the other forms panic.

use std::time::{SystemTime, UNIX_EPOCH};

use super::date;

/// They know no leap second, and take any byte for the space before the time of the second form.
fn is_exempt(text: &[u8]) -> bool {
    let has_leap_second = text.windows(3).any(|part| part == b":60");
    let comma = text.iter().position(|&byte| byte == b',');
    has_leap_second || comma.is_some_and(|comma| comma > 3 && text.get(comma + 11) != Some(&b' '))
}

pub fn http_date(data: &[u8]) {
    let text = data.trim_ascii();
    let ours = date::http_date(text);
    // They trim more than the white space of HTTP.
    let trimmed = std::str::from_utf8(text).ok().filter(|text| text.trim() == *text);
    let theirs = trimmed.and_then(|text| text.parse::<httpdate::HttpDate>().ok());
    let theirs = theirs.and_then(|date| SystemTime::from(date).duration_since(UNIX_EPOCH).ok());
    if !is_exempt(text) {
        assert_eq!(ours, theirs, "{:?}", text.escape_ascii().to_string());
    }
    if ours.is_some() {
        assert_eq!(date::instant(text), ours);
    }
    let _ = date::instant(data);
}
