//! What does a log say, and where exactly is it wrong?
//!
//! | module | answers |
//! |---|---|
//! | `input` | where the bytes come from |
//! | `lines` | where a line ends |
//! | `format` | which format it is |
//! | `shape` | how a line is cut into fields; `trace`, `delimited`, `json`, `access`, `alb` and `w3c` do it |
//! | `names` | by what names logs call a thing |
//! | `clock` | what time a field tells |
//! | `address`, `filter` | which addresses are one client, which requests count |
//! | `fault` | what is wrong |

mod access;
mod address;
mod alb;
pub mod clock;
mod delimited;
mod fault;
mod fields;
mod filter;
mod format;
mod input;
mod json;
mod lines;
mod names;
mod shape;
mod trace;
mod w3c;

use std::io::{BufRead, Cursor, Read};
use std::time::Duration;

pub use clock::{Clock, NoTime, Unit};
pub use fault::{Fault, LogError};
pub use filter::Filter;
pub use format::Format;
pub use input::Input;

use crate::error::Error;
use crate::progress::Progress;
use crate::traffic::{Clients, Step, Traffic};
use fault::shown;
use fields::Fields;
use format::{Found, recognize};
use lines::{Lines, NoLine};
use shape::{Split, find};

/// A file without line ends must not fill the memory.
pub const LONGEST_LINE: usize = 1 << 20;

/// Ten years, in nanoseconds: every limiter lasts longer, or says that it does not.
pub const LONGEST_SPAN: u64 = 10 * fault::YEAR;

/// How a log is to be understood. The default finds everything out by itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format; `None` for the one that fits.
    pub format: Option<Format>,
    /// The field that holds the time; `None` for one with a usual name.
    pub time: Option<String>,
    /// What a time that is a number counts; `None` for what its size tells.
    pub unit: Option<Unit>,
    /// The field that holds the client; `None` for one with a usual name, if there is one.
    pub client: Option<String>,
    /// The field that holds the cost; `None` for one permit a request.
    pub cost: Option<String>,
    /// A request counts if it passes all of these.
    pub only: Vec<Filter>,
    /// IPv6 addresses with the same first bits are one client.
    pub ipv6_prefix: Option<u8>,
    /// Lines that are out of order by as much as this are sorted.
    pub out_of_order: Duration,
    /// So many lines in a million may be no requests; `None` for none of a trace, and one in a hundred of others.
    pub skip_per_million: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            format: None,
            time: None,
            unit: None,
            client: None,
            cost: None,
            only: Vec::new(),
            ipv6_prefix: None,
            out_of_order: Duration::from_secs(300),
            skip_per_million: None,
        }
    }
}

/// How a log was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The formats, for people.
    pub formats: Vec<String>,
    /// The field that holds the time.
    pub time: String,
    /// The field that holds the client.
    pub client: Option<String>,
    /// The field that holds the cost.
    pub cost: Option<String>,
    /// Lines that are neither blank nor comments nor headers.
    pub lines: u64,
    /// Lines that are no requests.
    pub skipped: u64,
    /// Where the first of them is, and what is wrong with it.
    pub first_skipped: Option<String>,
    /// Requests that the filters left out.
    pub filtered: u64,
    /// Lines that were out of order.
    pub late: u64,
    /// By how many nanoseconds at the most.
    pub latest: u64,
}

/// Reads logs as one: their requests are sorted by time, and those of one instant keep the order of the files.
///
/// # Errors
///
/// If an input fails or is no log of requests; the error names the input and the line.
pub fn read(inputs: &[Input], options: &Options) -> Result<Traffic, Error> {
    let progress = Progress::reading(inputs.iter().map(Input::bytes).sum());
    let mut reading = Reading::new(options);
    for input in inputs {
        let read = input.open(&progress).map_err(LogError::Read).and_then(|input| reading.add(input));
        read.map_err(|error| Error::Log { input: input.clone(), error })?;
    }
    let title = match inputs {
        [input] => input.title(),
        inputs => format!("{} files", inputs.len()),
    };
    let last = inputs.last().cloned().unwrap_or(Input::Stdin);
    reading.finish(title).map_err(|error| Error::Log { input: last, error })
}

/// The same for bytes, which may be compressed by gzip.
///
/// # Errors
///
/// If it is no log of requests.
pub fn read_bytes(bytes: &[u8], options: &Options) -> Result<Traffic, LogError> {
    let mut reading = Reading::new(options);
    reading.add(input::unpacked(Cursor::new(bytes.to_vec())).map_err(LogError::Read)?)?;
    reading.finish("bytes".into())
}

impl From<NoLine> for LogError {
    fn from(error: NoLine) -> LogError {
        match error {
            NoLine::Failed(error) => LogError::Read(error),
            NoLine::TooLong(line) => LogError::Line { line, fault: Fault::TooLong },
        }
    }
}

/// The first so many bytes tell the format.
const HEAD: u64 = 1 << 16;

/// The lines at the beginning that are looked at.
const SAMPLE: usize = 20;

/// Where in a line the things that count are.
struct Places {
    time: usize,
    client: Option<usize>,
    cost: Option<usize>,
    only: Vec<usize>,
}

/// What was read so far.
struct Reading<'a> {
    options: &'a Options,
    /// Their times count from 1970, or from where the log counts from.
    steps: Vec<Step>,
    clients: Clients,
    summary: Summary,
    /// The first line that is no request.
    first_bad: Option<(u64, Fault)>,
    earliest: (u64, u64),
    latest: (u64, u64),
    sorted: bool,
}

impl<'a> Reading<'a> {
    fn new(options: &'a Options) -> Reading<'a> {
        Reading {
            options,
            steps: Vec::new(),
            clients: Clients::default(),
            summary: Summary::default(),
            first_bad: None,
            earliest: (u64::MAX, 0),
            latest: (0, 0),
            sorted: true,
        }
    }

    /// One more log.
    fn add(&mut self, mut input: impl BufRead) -> Result<(), LogError> {
        let mut head = Vec::new();
        (&mut input).take(HEAD).read_to_end(&mut head).map_err(LogError::Read)?;
        let text = String::from_utf8_lossy(&head);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let sample = text.lines().filter(|line| !line.trim().is_empty());
        let sample: Vec<&str> = sample.take(SAMPLE).collect();
        if sample.is_empty() {
            return Err(LogError::Empty);
        }
        let mut found = recognize(&sample, self.options.format, self.options.time.as_deref())?;
        let (mut places, time) = self.places(&mut found)?;
        let mut clock = found.clock(&time, self.options.unit);
        if !self.summary.formats.contains(&found.title) {
            self.summary.formats.push(found.title.clone());
        }

        let limit = match (self.options.skip_per_million, found.format) {
            (Some(limit), _) => limit,
            (None, Format::Trace) => 0,
            (None, _) => 10_000,
        };
        let (mut count, mut bad) = (0_u64, 0_u64);
        let mut first_bad = None;
        let mut newest = (0, 0);
        let mut fields = Fields::default();
        let mut lines = Lines::new(Cursor::new(&head).chain(input));
        if found.header {
            lines.advance()?;
        }
        while lines.advance()? {
            let line = lines.number;
            let split = loop {
                fields.clear();
                match found.shape.split(lines.text(), &mut fields) {
                    Ok(Split::More) if lines.extend()? => {}
                    Ok(Split::More) => break Err(Fault::Quote),
                    split => break split,
                }
            };
            let fault = match split {
                Ok(Split::Header) => {
                    places = self.places(&mut found)?.0;
                    continue;
                }
                Ok(_) if split == Ok(Split::Comment) => continue,
                Ok(_) => self.request(&fields, &places, &mut clock, line, &mut newest).err(),
                Err(fault) => Some(fault),
            };
            count += 1;
            match fault {
                Some(fault) if limit == 0 || matches!(fault, Fault::Backwards { .. }) => {
                    return Err(LogError::Line { line, fault });
                }
                Some(fault) => {
                    bad += 1;
                    first_bad.get_or_insert((line, fault));
                }
                None => {}
            }
        }
        self.summary.lines += count;
        self.summary.skipped += bad;
        if let Some((line, fault)) = first_bad {
            if u128::from(bad) * 1_000_000 > u128::from(limit) * u128::from(count) {
                return Err(LogError::Skipped { skipped: bad, lines: count, line, fault });
            }
            self.first_bad.get_or_insert((line, fault));
        }
        Ok(())
    }

    /// Where the fields are, and the name of the time's.
    fn places(&mut self, found: &mut Found) -> Result<(Places, String), LogError> {
        let shape = &mut *found.shape;
        let arrival = shape.arrival();
        let mut place = |option: &'static str, name: &str| {
            find(shape, name).ok_or_else(|| LogError::NoField {
                option,
                name: name.into(),
                fields: shown_names(&shape.names()),
            })
        };
        let options = self.options;
        let (time, name) = place("--time", options.time.as_deref().unwrap_or(arrival))?;
        let client = match &options.client {
            Some(name) => Some(place("--client", name)?),
            None => place("--client", "client").ok(),
        };
        let cost = options.cost.as_deref().map(|name| place("--cost", name)).transpose()?;
        let only = options.only.iter().map(|filter| Ok(place("--only", &filter.name)?.0));
        let only = only.collect::<Result<_, LogError>>()?;
        self.summary.time.clone_from(&name);
        if let Some((_, name)) = &client {
            self.summary.client = Some(name.clone());
        }
        self.summary.cost = cost.as_ref().map(|(_, name)| name.clone());
        let first = |found: (usize, String)| found.0;
        Ok((Places { time, client: client.map(first), cost: cost.map(first), only }, name))
    }

    /// One request, at `line`; `newest` is the latest time of this log so far, and its line.
    fn request(
        &mut self,
        fields: &Fields,
        places: &Places,
        clock: &mut Clock,
        line: u64,
        newest: &mut (u64, u64),
    ) -> Result<(), Fault> {
        let mut filters = self.options.only.iter().zip(&places.only);
        if !filters.all(|(filter, &place)| filter.passes(fields.get(place))) {
            self.summary.filtered += 1;
            return Ok(());
        }
        let time = fields.get(places.time);
        if time.is_empty() && self.summary.time != "seconds" {
            return Err(Fault::Missing(self.summary.time.clone()));
        }
        let at = clock.nanos(time).map_err(Fault::Time)?;
        let cost = match places.cost {
            None => 1,
            Some(place) => cost(fields.get(place))?,
        };
        if at < newest.0 {
            let late = newest.0 - at;
            if u128::from(late) > self.options.out_of_order.as_nanos() {
                let horizon = self.options.out_of_order;
                return Err(Fault::Backwards { from: newest.0, line: newest.1, to: at, horizon });
            }
            self.summary.late += 1;
            self.summary.latest = self.summary.latest.max(late);
        } else {
            *newest = (at, line);
        }
        let client = match places.client {
            None => 0,
            Some(place) => {
                let name = fields.get(place);
                let network = self.options.ipv6_prefix.and_then(|bits| address::network(name, bits));
                self.clients.place(network.as_deref().unwrap_or(name))
            }
        };
        if self.steps.is_empty() || at < self.earliest.0 {
            self.earliest = (at, line);
        }
        if at >= self.latest.0 {
            self.latest = (at, line);
        } else {
            self.sorted = false;
        }
        if self.steps.len() == self.steps.capacity() {
            // By a quarter: to double would take twice the memory in the end.
            self.steps.reserve_exact((self.steps.len() / 4).max(4_096));
        }
        self.steps.push(Step { at, client, cost });
        Ok(())
    }

    fn finish(mut self, title: String) -> Result<Traffic, LogError> {
        if self.steps.is_empty() {
            return Err(LogError::NoEvents { filtered: self.summary.filtered });
        }
        if self.latest.0 - self.earliest.0 > LONGEST_SPAN {
            return Err(LogError::Span { from: self.earliest, to: self.latest });
        }
        if !self.sorted {
            self.steps.shrink_to_fit();
            // Stable: those of one instant stay in the order of the files.
            self.steps.sort_by_key(|step| step.at);
        }
        self.summary.first_skipped = self.first_bad.map(|(line, fault)| format!("line {line}: {fault}"));
        Ok(Traffic { log: Some(self.summary), ..Traffic::of(title, self.steps, self.clients) })
    }
}

/// Whole permits. A log writes `-` for none.
fn cost(text: &str) -> Result<u32, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "-" => Ok(0),
        text if digits => text.parse().map_err(|_| Fault::Cost(shown(text))),
        text => Err(Fault::Cost(shown(text))),
    }
}

/// A list of fields, short enough for a message.
fn shown_names(names: &str) -> String {
    let mut shown: String = names.replace(char::is_control, " ").chars().take(300).collect();
    if shown.len() < names.len() {
        shown.push_str("...");
    }
    shown
}
