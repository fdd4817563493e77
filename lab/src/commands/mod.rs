//! What does a command line ask for?
//!
//! A command is a file here and an entry of `COMMANDS`: its options, and a function from the options to an
//! [`Answer`]. The answer is a value; this module writes it, as a table or as JSON, when all of it is known.

pub mod compare;
mod form;
pub mod matrix;
pub mod plan;
pub mod recommend;
pub mod source;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::NAME;
use crate::error::Error;
use crate::output;
use crate::show::Answer;
use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use form::Format;

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
const COMMANDS: [Verb; 4] = [
    Verb { name: "compare", about: compare::ABOUT, options: compare::options, answer: compare::answer },
    Verb { name: "plan", about: plan::ABOUT, options: plan::options, answer: plan::answer },
    Verb {
        name: "recommend",
        about: recommend::ABOUT,
        options: recommend::options,
        answer: recommend::answer,
    },
    Verb { name: "matrix", about: matrix::ABOUT, options: matrix::options, answer: matrix::answer },
];

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
    let html: Option<PathBuf> = matches.remove_one("html");
    // Checked before the work, so that a bad path is told at once.
    output::distinct(&files(&matches), html.iter())?;
    let html = html.map(output::create).transpose()?;
    let answer = (verb.answer)(matches)?;
    // All at once: a reader of a pipe gets a whole answer or none.
    let mut text = Vec::new();
    let written = match format {
        Format::Table => answer.table(&mut text),
        Format::Json => writeln!(text, "{:#}", answer.json()),
    };
    written.map_err(Error::Output)?;
    if let Some(mut file) = html {
        file.write(|out| out.write_all(answer.html().as_bytes()))?;
        file.appear()?;
    }
    shown(out.write_all(&text), out)
}

/// What the command reads or writes by its other options.
fn files(matches: &ArgMatches) -> Vec<PathBuf> {
    let named = ["trace", "decisions", "plot"].map(|name| matches.try_get_many::<PathBuf>(name));
    named.into_iter().filter_map(Result::ok).flatten().flatten().cloned().collect()
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
