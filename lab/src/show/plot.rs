//! What does it look like over time?
//!
//! A row for each strategy (twins share one), all on the same scales. First what it answered, granted and refused
//! stacked; then for each quota the count of its window as it slides along, with whatever is over the
//! limit in another colour. The colours are from Okabe and Ito's set for all kinds of colour vision.

use std::error::Error;
use std::io;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::prelude::*;

use tollgate::Quota;

use crate::replay::{Answers, Windows};
use crate::report::{Report, written};
use crate::traffic::Traffic;

const GRANTED: RGBColor = RGBColor(0, 114, 178);
const REFUSED: RGBColor = RGBColor(190, 190, 190);
const OVER: RGBColor = RGBColor(213, 94, 0);

const COLUMN_WIDTH: u32 = 430;
const HEADER_HEIGHT: u32 = 96;
const ROW_HEIGHT: u32 = 160;
const FOOTER_HEIGHT: u32 = 34;

/// The counts are drawn in so many bins: a bin is a pixel or two.
const BINS: u64 = 220;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// An outline, the height it is filled down to, and the colour.
type Layer = (Vec<(f64, f64)>, f64, RGBColor);
type Drawn = Result<(), Box<dyn Error>>;

/// The picture as the text of an SVG file.
///
/// # Errors
///
/// Those of the drawing library.
pub fn draw(report: &Report, traffic: &Traffic) -> io::Result<String> {
    let mut svg = String::new();
    Picture::new(report, traffic).draw(&mut svg).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(svg)
}

struct Picture<'a> {
    report: &'a Report,
    traffic: &'a Traffic,
    time: TimeAxis,
    rows: Vec<Strip<'a>>,
}

/// What is drawn of the strategies that answered alike.
struct Strip<'a> {
    names: Vec<&'a str>,
    granted: u64,
    refused: u64,
    answers: Vec<Bin>,
    /// For each quota, the highest count in each bin.
    counts: Vec<Vec<u64>>,
    over: bool,
}

/// The events of one bin.
#[derive(Clone, Copy, Default)]
struct Bin {
    granted: u64,
    refused: u64,
}

impl<'a> Picture<'a> {
    fn new(report: &'a Report, traffic: &'a Traffic) -> Picture<'a> {
        let time = TimeAxis::new(traffic);
        let mut rows = Vec::new();
        let mut drawn: Vec<&Answers> = Vec::new();
        for row in &report.rows {
            let Ok(figures) = &row.figures else { continue };
            let answers = &figures.answers;
            if let Some(place) = drawn.iter().position(|drawn| *drawn == answers) {
                let strip: &mut Strip<'_> = &mut rows[place];
                strip.names.push(&row.name);
                continue;
            }
            drawn.push(answers);
            let windows = report.policy.quotas().iter().map(Quota::window);
            rows.push(Strip {
                names: vec![&row.name],
                granted: figures.granted,
                refused: figures.refused(),
                answers: bins(traffic, answers, &time),
                counts: windows.map(|window| counts(traffic, answers, window, &time)).collect(),
                over: report.violations(figures).next().is_some(),
            });
        }
        Picture { report, traffic, time, rows }
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let columns = 1 + self.report.policy.quotas().len();
        let rows = u32::try_from(self.rows.len())?;
        let size = (
            COLUMN_WIDTH * u32::try_from(columns)?.max(3),
            HEADER_HEIGHT + ROW_HEIGHT * rows + FOOTER_HEIGHT,
        );
        let root = SVGBackend::with_string(svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (header, below) = root.split_vertically(HEADER_HEIGHT);
        self.header(&header, columns)?;
        let mut rest = below;
        for (place, strip) in self.rows.iter().enumerate() {
            // The last one carries the labels of the time axis.
            let last = place + 1 == self.rows.len();
            let (band, below) = rest.split_vertically(ROW_HEIGHT + if last { FOOTER_HEIGHT } else { 0 });
            self.strip(&band, columns, strip, last)?;
            rest = below;
        }
        root.present()?;
        Ok(())
    }

    fn header(&self, area: &Area<'_>, columns: usize) -> Drawn {
        let served = if self.traffic.per_client { ", a limiter for each client" } else { "" };
        let title = format!("{} under {}{served}", self.traffic.title, self.report.policy);
        area.draw(&Text::new(title, (14, 12), ("sans-serif", 22).into_font().style(FontStyle::Bold)))?;

        let mut x = 14;
        for (colour, height, text) in [
            (GRANTED, 12, "granted"),
            (REFUSED, 12, "refused"),
            (OVER, 12, "granted over the limit"),
            (BLACK, 2, "limit"),
        ] {
            let y = 52 - height / 2;
            area.draw(&Rectangle::new([(x, y), (x + 18, y + height)], colour.filled()))?;
            area.draw(&Text::new(text, (x + 25, 45), ("sans-serif", 16)))?;
            x += 60 + 7 * i32::try_from(text.len())?;
        }

        let of_one = if self.traffic.per_client { ", busiest client" } else { "" };
        for (column, cell) in area.split_evenly((1, columns)).iter().enumerate() {
            let heading = match column.checked_sub(1) {
                None => format!("Requests per {}", written(Duration::from_nanos(self.time.coarse))),
                Some(quota) => {
                    let limit = self.report.policy.quotas()[quota].limit();
                    format!("Grants in the last {} (limit {limit}){of_one}", self.report.window(quota))
                }
            };
            cell.draw(&Text::new(heading, (57, 74), ("sans-serif", 16)))?;
        }
        Ok(())
    }

    fn strip(&self, area: &Area<'_>, columns: usize, strip: &Strip<'_>, last: bool) -> Drawn {
        let verdict = if strip.over { "over the limit" } else { "within the limits" };
        let names = match &strip.names[..] {
            [first, second, rest @ ..] if rest.len() > 1 => {
                format!("{first} = {second} and {} more", rest.len())
            }
            names => names.join(" = "),
        };
        let title = format!("{names}: {} granted, {} refused, {verdict}", strip.granted, strip.refused);
        let colour = if strip.over { OVER } else { GRANTED };
        let style = ("sans-serif", 17).into_font().style(FontStyle::Bold).color(&colour);
        area.draw(&Text::new(title, (14, 8), style))?;

        let (_, charts) = area.split_vertically(28);
        for (column, cell) in charts.split_evenly((1, columns)).iter().enumerate() {
            match column.checked_sub(1) {
                None => self.answers_chart(cell, strip, last)?,
                Some(quota) => self.count_chart(cell, strip, quota, last)?,
            }
        }
        Ok(())
    }

    fn answers_chart(&self, area: &Area<'_>, strip: &Strip<'_>, last: bool) -> Drawn {
        let highest = |strip: &Strip<'_>| strip.answers.iter().map(|bin| bin.granted + bin.refused).max();
        let top = self.rows.iter().filter_map(highest).max().unwrap_or(1);
        let all = strip.answers.iter().map(|bin| bin.granted + bin.refused);
        let granted = strip.answers.iter().map(|bin| bin.granted);
        let layers = [
            (self.time.steps(self.time.coarse, all), 0.0, REFUSED),
            (self.time.steps(self.time.coarse, granted), 0.0, GRANTED),
        ];
        self.chart(area, top, layers, None, last)
    }

    fn count_chart(&self, area: &Area<'_>, strip: &Strip<'_>, quota: usize, last: bool) -> Drawn {
        let limit = u64::from(self.report.policy.quotas()[quota].limit());
        let highest = |strip: &Strip<'_>| strip.counts[quota].iter().copied().max();
        let top = self.rows.iter().filter_map(highest).max().unwrap_or(1).max(limit);
        let within = strip.counts[quota].iter().map(|&count| count.min(limit));
        let over = strip.counts[quota].iter().map(|&count| count.max(limit));
        let layers = [
            (self.time.steps(self.time.fine, within), 0.0, GRANTED),
            (self.time.steps(self.time.fine, over), height(limit), OVER),
        ];
        self.chart(area, top, layers, Some(height(limit)), last)
    }

    fn chart(&self, area: &Area<'_>, top: u64, layers: [Layer; 2], limit: Option<f64>, last: bool) -> Drawn {
        let end = self.time.end();
        let mut chart = ChartBuilder::on(area)
            .margin_left(10)
            .margin_right(14)
            .margin_top(4)
            .margin_bottom(6)
            .y_label_area_size(46)
            .x_label_area_size(if last { FOOTER_HEIGHT + 6 } else { 6 })
            .build_cartesian_2d(0.0..end, 0.0..height(top) * 1.08)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .bold_line_style(BLACK.mix(0.12))
            .light_line_style(TRANSPARENT)
            .axis_style(BLACK.mix(0.4))
            .label_style(("sans-serif", 13))
            .x_label_formatter(&|&value| label(value))
            .y_label_formatter(&|&value| label(value))
            .x_labels(if last { 7 } else { 0 })
            .y_labels(4);
        if last {
            mesh.x_desc(format!("time ({})", self.time.unit_name)).axis_desc_style(("sans-serif", 14));
        }
        mesh.draw()?;
        for (points, baseline, colour) in layers {
            chart.draw_series(AreaSeries::new(points, baseline, colour.filled()))?;
        }
        if let Some(limit) = limit {
            chart.draw_series(LineSeries::new([(0.0, limit), (end, limit)], BLACK.stroke_width(1)))?;
        }
        Ok(())
    }
}

/// How time is cut and told. It begins with the first event.
struct TimeAxis {
    start: u64,
    span: u64,
    /// The bins of the counts.
    fine: u64,
    /// The bins of the answers, a round length that can be named.
    coarse: u64,
    unit: f64,
    unit_name: &'static str,
}

impl TimeAxis {
    fn new(traffic: &Traffic) -> TimeAxis {
        const SECOND: u64 = 1_000_000_000;
        // So that the last event lies inside, and all at one instant makes a picture too.
        let span = if traffic.span() == 0 { SECOND } else { traffic.span() + 1 };
        let (unit, unit_name) = match span / SECOND {
            0 => (1_000_000, "milliseconds"),
            1..180 => (SECOND, "seconds"),
            180..10_800 => (60 * SECOND, "minutes"),
            10_800..259_200 => (3_600 * SECOND, "hours"),
            _ => (86_400 * SECOND, "days"),
        };
        let below_a_second = (0..9).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        let from_a_second =
            [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200];
        let days = (0..15).map(|doublings| 86_400 << doublings);
        let round = below_a_second.chain(from_a_second.into_iter().chain(days).map(|s| s * SECOND));
        TimeAxis {
            start: traffic.steps.first().map_or(0, |step| step.at),
            span,
            fine: span.div_ceil(BINS),
            coarse: round.clone().find(|&length| span / length < 120).unwrap_or(u64::MAX),
            unit: height(unit),
            unit_name,
        }
    }

    fn end(&self) -> f64 {
        height(self.span) / self.unit
    }

    /// The outline of bins of `length` with these heights.
    fn steps(&self, length: u64, heights: impl Iterator<Item = u64>) -> Vec<(f64, f64)> {
        let edge = |bin: u64| (height(bin.saturating_mul(length)) / self.unit).min(self.end());
        let bins = (0..).zip(heights.map(height));
        bins.flat_map(|(bin, height)| [(edge(bin), height), (edge(bin + 1), height)]).collect()
    }

    /// Which bin of `length` holds the instant.
    fn bin(&self, at: u64, length: u64) -> usize {
        usize::try_from((at - self.start) / length).unwrap_or(usize::MAX)
    }
}

fn bins(traffic: &Traffic, answers: &Answers, time: &TimeAxis) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); time.bin(time.start + time.span - 1, time.coarse) + 1];
    for (step, granted) in traffic.steps.iter().zip(answers.iter()) {
        let bin = &mut bins[time.bin(step.at, time.coarse)];
        if granted {
            bin.granted += 1;
        } else {
            bin.refused += 1;
        }
    }
    bins
}

/// The highest count of the sliding window in each bin: when the bin begins, or with a grant in it.
fn counts(traffic: &Traffic, answers: &Answers, window: Duration, time: &TimeAxis) -> Vec<u64> {
    let length = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
    let mut windows = Windows::new(length, traffic.limiters());
    let mut grants = traffic.steps.iter().zip(answers.iter()).filter(|(_, granted)| *granted).peekable();
    let bins = time.bin(time.start + time.span - 1, time.fine) + 1;
    let mut counts = Vec::with_capacity(bins);
    for bin in 0..bins {
        let mut highest = windows.most(time.start + bin as u64 * time.fine);
        while let Some((step, _)) = grants.next_if(|(step, _)| time.bin(step.at, time.fine) <= bin) {
            highest = highest.max(windows.grant(traffic.limiter(step), step.at, step.cost));
        }
        counts.push(highest);
    }
    counts
}

/// A number on an axis, without the noise of its last bits.
fn label(value: f64) -> String {
    ((value * 1e6).round() / 1e6).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "a position in a picture")]
fn height(count: u64) -> f64 {
    count as f64
}
