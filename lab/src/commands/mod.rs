//! What does a command line ask for?
//!
//! A command is a file here and an entry of [`COMMANDS`]: its options, and a function from the options to an
//! [`Answer`]. The answer is a value; this module writes it, as a table or as JSON, when all of it is known.

pub mod compare;
mod form;
pub mod source;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use serde_json::Value;

use crate::NAME;
use crate::error::Error;
use form::Format;

/// What a command found out, before it takes a form.
pub trait Answer {
    /// Writes it for a person in a terminal.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    fn table(&self, out: &mut dyn Write) -> io::Result<()>;

    /// The same for a program. `--help` documents the keys, which are added to and never renamed or removed.
    fn json(&self) -> Value;
}

/// One command of the program.
struct Verb {
    name: &'static str,
    /// For the list in `--help`.
    about: &'static str,
    /// Adds its options to a command that has the program's name.
    options: fn(Command) -> Command,
    /// Does the work.
    answer: fn(ArgMatches) -> Result<Box<dyn Answer>, Error>,
}

/// All commands. The first one is meant where none is named.
const COMMANDS: [Verb; 1] =
    [Verb { name: "compare", about: compare::ABOUT, options: compare::options, answer: compare::answer }];

/// Understands the command line, does the work, and writes the answer.
///
/// # Errors
///
/// Whatever is wrong with the command line, the input or the output.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<(), Error> {
    let mut args = args.into_iter().peekable();
    let named = args.peek().and_then(|first| COMMANDS.iter().find(|verb| first == verb.name));
    if named.is_some() {
        args.next();
    }
    let verb = named.unwrap_or(&COMMANDS[0]);
    let command = form::options((verb.options)(Command::new(NAME)).before_help(others(verb)));
    let matches = command.try_get_matches_from(std::iter::once(OsString::from(NAME)).chain(args));
    let mut matches = match matches {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return shown(write!(out, "{}", error.render()), out);
        }
        Err(error) => return Err(Error::Usage(one_line(&error.render().to_string()))),
    };
    let format = matches.remove_one("format").unwrap_or(Format::Table);
    let answer = (verb.answer)(matches)?;
    // All at once: a reader of a pipe gets a whole answer or none.
    let mut text = Vec::new();
    let written = match format {
        Format::Table => answer.table(&mut text),
        Format::Json => writeln!(text, "{:#}", answer.json()),
    };
    shown(written.and_then(|()| out.write_all(&text)), out)
}

/// The commands, in front of the help of one of them.
fn others(this: &Verb) -> String {
    let mut text = String::from("Commands (the first one is meant where none is named):");
    for verb in &COMMANDS {
        let mark = if verb.name == this.name { "*" } else { " " };
        let line = format!("\n {mark}{:<12}{}", verb.name, verb.about);
        text.push_str(&line);
    }
    text
}

fn shown(written: io::Result<()>, out: &mut dyn Write) -> Result<(), Error> {
    written.and_then(|()| out.flush()).map_err(Error::Output)
}

/// clap's message of several lines and paragraphs, cut to what is wrong.
fn one_line(message: &str) -> String {
    let said = message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let said = said.filter(|line| !line.is_empty() && !line.starts_with("tip:"));
    let line = said.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}
