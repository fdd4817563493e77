//! What does a person read in a browser? One page that needs nothing else: no script, no font, no network.

use std::fmt::Write;

/// A page, from the answer in words down to the figures.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// What was found, a sentence or two in each paragraph.
    pub summary: Vec<String>,
    /// What it was found from.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What is below it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A picture, as the text of an SVG element.
    Picture(String),
    /// A picture that has its own size and colours, on white.
    Drawing(String),
    /// A command to copy.
    Code(String),
    /// Words and what they mean.
    Terms(Vec<(String, String)>),
    /// Figures.
    Table(Table),
    /// Figures that are shown when they are asked for, and what they are.
    Folded(String, Table),
}

/// Rows and columns. The first column is text, the others are numbers.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The headings.
    pub head: Vec<String>,
    /// As many cells as headings in each.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub mood: Mood,
}

/// How a figure is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// A figure like others.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// A limit is exceeded, a call refused.
    Bad,
}

#[expect(clippy::needless_pass_by_value, reason = "figures and texts alike, with or without a reference")]
impl Cell {
    /// A figure like others.
    pub fn plain(text: impl ToString) -> Cell {
        Cell { text: text.to_string(), mood: Mood::Plain }
    }

    /// A figure that is as it should be, or is not.
    pub fn judged(text: impl ToString, good: bool) -> Cell {
        Cell { text: text.to_string(), mood: if good { Mood::Good } else { Mood::Bad } }
    }
}

/// Colours are the same in both themes where they mean something, and differ in lightness for those who cannot tell hues.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5b6570;--rule:#d8dee4;--paper:#fff;--a:#0b62c4;--b:#b3541e;\
--good:#116b3c;--bad:#b3261e;--good-wash:#e7f4ec;--bad-wash:#fbeae9}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b1;--rule:#363d45;--paper:#15181c;--a:#6cb0ff;\
--b:#f0a36b;--good:#6fd39b;--bad:#ff8a80;--good-wash:#14291e;--bad-wash:#35191a}}\
body{margin:0 auto;max-width:66rem;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink);\
font:16px/1.5 system-ui,sans-serif}\
h1{font-size:1.6rem;line-height:1.2;margin:0 0 1rem}h2{font-size:1.15rem;margin:2.5rem 0 .75rem}\
p{max-width:44rem;margin:.5rem 0}.summary{font-size:1.1rem}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}\
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}\
th:first-child,td:first-child{text-align:left;padding-left:0}\
th{color:var(--soft);font-weight:500;vertical-align:bottom;white-space:normal}\
summary{cursor:pointer;color:var(--soft)}pre{overflow-x:auto;padding:.6rem .8rem;border:1px solid var(--rule);border-radius:4px}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;font-size:.95rem}dd{margin:0;color:var(--soft)}\
@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}\
td.good{color:var(--good);background:var(--good-wash)}td.bad{color:var(--bad);background:var(--bad-wash);font-weight:600}\
svg{display:block;width:100%;height:auto;min-width:36rem;max-width:52rem;margin:.5rem 0 1rem}\
.drawing{overflow-x:auto;background:#fff;border:1px solid var(--rule);border-radius:4px}\
.drawing svg{min-width:60rem;max-width:none;margin:0}\
svg[role] text{font:12px system-ui,sans-serif;fill:var(--soft)}svg[role] .name{fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:4px}\
svg .axis{stroke:var(--rule);fill:none}svg .a{stroke:var(--a);fill:none;stroke-width:2.5}\
svg .b{stroke:var(--b);fill:none;stroke-width:2.5;stroke-dasharray:7 4}svg .dot-a{fill:var(--a)}svg .dot-b{fill:var(--b)}\
svg[role] text.a{fill:var(--a);stroke:none}svg[role] text.b{fill:var(--b);stroke:none}\
svg .bar{fill:var(--a)}svg .bar-bad{fill:var(--bad)}svg .mark{stroke:var(--ink);stroke-dasharray:2 3;fill:none}\
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}";

impl Page {
    /// The whole file.
    pub fn html(&self) -> String {
        let mut out = String::new();
        let title = escaped(&self.title);
        out += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
        out += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
        // Nothing is loaded, whatever a log has put into its names.
        out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
        let _ = writeln!(
            out,
            "<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>"
        );
        out += "<div class=\"summary\">\n";
        for paragraph in &self.summary {
            let _ = writeln!(out, "<p>{}</p>", escaped(&joined(paragraph)));
        }
        out += "</div>\n";
        for section in &self.sections {
            let _ = writeln!(out, "<section>\n<h2>{}</h2>", escaped(&section.title));
            for block in &section.blocks {
                block.html(&mut out);
            }
            out += "</section>\n";
        }
        let _ =
            writeln!(out, "<footer>{} {}</footer>\n</body>\n</html>", crate::NAME, env!("CARGO_PKG_VERSION"));
        out
    }
}

impl Block {
    fn html(&self, out: &mut String) {
        let _ = match self {
            Block::Text(text) => writeln!(out, "<p>{}</p>", escaped(&joined(text))),
            Block::Picture(svg) => writeln!(out, "<div class=\"scroll\">{svg}</div>"),
            Block::Drawing(svg) => writeln!(out, "<div class=\"drawing\">{svg}</div>"),
            Block::Code(code) => writeln!(out, "<pre><code>{}</code></pre>", escaped(code)),
            Block::Terms(terms) => {
                let terms = terms.iter().map(|(term, meaning)| {
                    format!("<dt>{}</dt><dd>{}</dd>", escaped(term), escaped(meaning))
                });
                writeln!(out, "<dl>{}</dl>", terms.collect::<String>())
            }
            Block::Table(table) => {
                table.html(out);
                Ok(())
            }
            Block::Folded(what, table) => {
                let _ = writeln!(out, "<details><summary>{}</summary>", escaped(what));
                table.html(out);
                writeln!(out, "</details>")
            }
        };
    }
}

impl Table {
    fn html(&self, out: &mut String) {
        *out += "<div class=\"scroll\"><table>\n<thead><tr>";
        for head in &self.head {
            // A long name breaks where it can.
            let _ = write!(out, "<th>{}</th>", escaped(head).replace('_', "_<wbr>"));
        }
        *out += "</tr></thead>\n<tbody>\n";
        for row in &self.rows {
            *out += "<tr>";
            for cell in row {
                let class = match cell.mood {
                    Mood::Plain => "",
                    Mood::Good => " class=\"good\"",
                    Mood::Bad => " class=\"bad\"",
                };
                let _ = write!(out, "<td{class}>{}</td>", escaped(&cell.text));
            }
            *out += "</tr>\n";
        }
        *out += "</tbody>\n</table></div>\n";
    }
}

/// A number and its unit stay on one line.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(' ') {
        let unit = word.trim_matches(|letter: char| !letter.is_alphabetic() && letter != '%');
        let after_a_number = out.ends_with(|letter: char| letter.is_ascii_digit());
        if !out.is_empty() {
            out.push(if after_a_number && UNITS.contains(&unit) { '\u{a0}' } else { ' ' });
        }
        out += word;
    }
    out
}

const UNITS: [&str; 7] = ["h", "min", "s", "ms", "us", "ns", "%"];

/// Text that is no markup, whatever it is made of.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            // Control characters have no place in a page.
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}
