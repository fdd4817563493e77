//! Times: numbers against one that works digit by digit, dates against the calendar counted day by day.

use tollgate_lab::log::{Clock, Unit};

pub fn log_clock(data: &[u8]) {
    // Any text is a time or none, and told in one line.
    let text = String::from_utf8_lossy(data);
    if let Err(error) = Clock::new(None).nanos(&text) {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let Some(bytes) = data.first_chunk::<8>() else { return };
    // A number, with a point somewhere.
    let digits = u64::from_be_bytes(*bytes).to_string();
    let point = usize::from(bytes[0]) % digits.len();
    let (whole, decimals) = digits.split_at(point);
    for (unit, places) in [(Unit::Seconds, 9), (Unit::Millis, 6), (Unit::Micros, 3), (Unit::Nanos, 0)] {
        let exact = decimals.trim_end_matches('0');
        // More digits than 64 bits hold are no number.
        let nanos: Option<u64> =
            if exact.len() <= places { format!("0{whole}{exact:0<places$}").parse().ok() } else { None };
        let found = Clock::new(Some(unit)).nanos(&format!("{whole}.{decimals}")).ok();
        assert_eq!(found, nanos, "{whole}.{decimals} {unit:?}");
    }
    // A date after 1970 and before 2226.
    let [_, year, month, day, hour, minute, second, _] = bytes.map(u64::from);
    let (year, month, day) = (1970 + year, 1 + month % 12, 1 + day % 28);
    let (hour, minute, second) = (hour % 24, minute % 60, second % 60);
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    days += [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30]
        .iter()
        .take(usize::try_from(month - 1).unwrap())
        .sum::<u64>();
    let seconds = (days + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second;
    let expected = Ok(seconds * 1_000_000_000);
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [usize::try_from(month - 1).unwrap()];
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    for text in [
        format!("{year}-{month:02}-{day:02}T{time}Z"),
        format!("{year}-{month:02}-{day:02} {time}"),
        format!("{year}-{month:02}-{day:02}T{time}.000+00:00"),
        format!("{day:02}/{name}/{year}:{time} +0000"),
    ] {
        assert_eq!(Clock::new(None).nanos(&text), expected, "{text}");
    }
}
