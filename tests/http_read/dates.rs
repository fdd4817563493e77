//! The dates of HTTP beside the crate `httpdate`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use crate::date::{http_date, instant};
use crate::http_date::http_date as compare;

fn theirs(text: &str) -> Option<Duration> {
    let date: SystemTime = text.parse::<httpdate::HttpDate>().ok()?.into();
    date.duration_since(UNIX_EPOCH).ok()
}

/// The same instant in the three forms of HTTP, RFC 3339 and JavaScript.
fn forms(date: &str) -> [String; 5] {
    let part = |range: std::ops::Range<usize>| &date[range];
    let (weekday, day, month) = (part(0..3), part(5..7), part(8..11));
    let (century, year, time) = (part(12..14), part(14..16), part(17..25));
    let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let long = names.into_iter().find(|name| name.starts_with(weekday)).unwrap();
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let number = months.find(month).unwrap() / 3 + 1;
    [
        date.to_owned(),
        format!("{long}, {day}-{month}-{year} {time} GMT"),
        format!("{weekday} {month} {:2} {time} {century}{year}", day.parse::<u8>().unwrap()),
        format!("{century}{year}-{number:02}-{day}T{time}Z"),
        format!("{weekday} {month} {day} {century}{year} {time} GMT+0000 (Coordinated Universal Time)"),
    ]
}

const END: u64 = 253_402_300_800; // of the year 9999

proptest! {
    #[test]
    fn every_instant_is_read_in_each_form(seconds in prop_oneof![0..END, 0..4_000_000_000_u64]) {
        let expected = Duration::from_secs(seconds);
        let [fixdate, rfc850, asctime, rfc3339, javascript] = forms(&httpdate::fmt_http_date(UNIX_EPOCH + expected));
        prop_assert_eq!(http_date(fixdate.as_bytes()), Some(expected));
        prop_assert_eq!(http_date(asctime.as_bytes()), Some(expected));
        prop_assert_eq!(instant(rfc3339.as_bytes()), Some(expected));
        prop_assert_eq!(instant(javascript.as_bytes()), Some(expected));
        // Two digits of a year are not all of it.
        prop_assert_eq!(http_date(rfc850.as_bytes()), theirs(&rfc850));
        if (1970..2070).contains(&fixdate[12..16].parse().unwrap()) {
            prop_assert_eq!(http_date(rfc850.as_bytes()), Some(expected));
        }
    }

    /// One character is changed, added or left out.
    #[test]
    fn a_date_with_a_mistake_is_read_as_by_httpdate(
        seconds in 0..END,
        form in 0_usize..3,
        at in any::<prop::sample::Index>(),
        character in "[ -~]",
        kind in 0..3,
    ) {
        let mut text = forms(&httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)))[form].clone();
        let at = at.index(text.len());
        match kind {
            0 => text.replace_range(at..=at, &character),
            1 => text.insert_str(at, &character),
            _ => drop(text.remove(at)),
        }
        compare(text.as_bytes());
    }
}

/// Found by fuzzing: httpdate takes any byte for the space, and reads this as 16:01:30.
#[test]
fn a_space_is_no_digit() {
    assert!(theirs("Wednesday, 25-Nov-26016:01:30 GMT").is_some());
    assert_eq!(http_date(b"Wednesday, 25-Nov-26016:01:30 GMT"), None);
}

#[test]
fn a_leap_second_is_the_second_after_it() {
    let expected = Some(Duration::from_secs(1_483_228_800));
    assert_eq!(http_date(b"Sat, 31 Dec 2016 23:59:60 GMT"), expected);
    assert_eq!(theirs("Sun, 01 Jan 2017 00:00:00 GMT"), expected);
}
