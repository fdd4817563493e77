//! How are figures drawn in a page? Plain lines and bars, with their names beside them.

use std::fmt::Write;

use super::page::escaped;

const WIDTH: f64 = 760.0;

/// A line and its name.
#[derive(Clone, Debug)]
pub struct Series {
    /// Beside the line.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// One or two lines between logarithmic axes, in per cent of a whole. Nothing at all has a place below the last decade.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Below the axis.
    pub across: String,
    /// The first is a full line, the second a dashed one.
    pub series: Vec<Series>,
    /// A place on the axis that is marked, and what is said there.
    pub mark: Option<(f64, String)>,
    /// Shares that are marked, and what is said beside them.
    pub goals: Vec<(f64, String)>,
}

const LEFT: f64 = 52.0;
const RIGHT: f64 = WIDTH - 120.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 300.0;
/// The room of the axis from the last decade down to nothing.
const BELOW: f64 = 30.0;

impl Curve {
    /// The text of an SVG element.
    pub fn svg(&self) -> String {
        let mut out = format!(
            "<svg viewBox=\"0 0 {WIDTH} 344\" role=\"img\" aria-label=\"{}\">",
            escaped(&self.across)
        );
        let all = || self.series.iter().flat_map(|series| &series.points);
        let low = all().map(|point| point.0).fold(f64::INFINITY, f64::min).max(1e-9);
        let high = all().map(|point| point.0).fold(low, f64::max);
        let span = (high / low).ln();
        let x =
            |value: f64| if span > 0.0 { LEFT + (value / low).ln() / span * (RIGHT - LEFT) } else { LEFT };
        let shares = Shares::of(all().map(|point| point.1).chain(self.goals.iter().map(|goal| goal.0)));
        let y = |share: f64| shares.place(share);

        for share in shares.ticks() {
            let at = y(share);
            let _ = write!(
                out,
                "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
            );
            text(&mut out, "", (LEFT - 8.0, at + 4.0), "end", &format!("{share} %"));
        }
        for tick in ticks(low, high) {
            let at = x(tick);
            let end = BOTTOM + 4.0;
            let _ = write!(
                out,
                "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{BOTTOM}\" y2=\"{end}\"/>"
            );
            text(&mut out, "", (at, BOTTOM + 18.0), "middle", &tick.to_string());
        }
        text(&mut out, "", (f64::midpoint(LEFT, RIGHT), BOTTOM + 38.0), "middle", &self.across);
        for (share, said) in &self.goals {
            let at = y(*share);
            let _ = write!(
                out,
                "<line class=\"mark\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
            );
            text(&mut out, "name", (RIGHT + 8.0, at + 4.0), "start", said);
        }
        if let Some((value, said)) = &self.mark {
            let at = x(*value);
            let anchor = if at > f64::midpoint(LEFT, RIGHT) { "end" } else { "start" };
            let above = TOP - 8.0;
            let _ = write!(
                out,
                "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{above}\" y2=\"{BOTTOM}\"/>"
            );
            text(&mut out, "name", (at, TOP - 13.0), anchor, said);
        }
        for (place, (series, class)) in (0..).zip(self.series.iter().zip(["a", "b"])) {
            let points = series.points.iter().map(|&(at, share)| (x(at), y(share)));
            let line: Vec<String> = points.clone().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = write!(out, "<polyline class=\"{class}\" points=\"{}\"/>", line.join(" "));
            for (x, y) in points {
                let _ = write!(out, "<circle class=\"dot-{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
            }
            let from = LEFT + 180.0 * f64::from(place);
            let to = from + 26.0;
            let _ = write!(out, "<line class=\"{class}\" x1=\"{from}\" x2=\"{to}\" y1=\"12\" y2=\"12\"/>");
            text(&mut out, class, (from + 34.0, 16.0), "start", &series.name);
        }
        out + "</svg>"
    }
}

/// The axis of shares, in decades.
struct Shares {
    /// The logarithms of the first decade and of the last.
    top: f64,
    last: f64,
}

impl Shares {
    fn of(shares: impl Iterator<Item = f64>) -> Shares {
        let some = shares.filter(|share| *share > 0.0);
        let (low, high) =
            some.fold((100.0, 0.001), |(low, high): (f64, f64), it| (low.min(it), high.max(it)));
        let top = high.log10().ceil();
        Shares { top, last: low.log10().floor().clamp(-4.0, top - 1.0) }
    }

    /// The decades, from the first to the last, and nothing.
    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        // At most seven.
        let decades = (0..8).map(|less| self.top - f64::from(less)).take_while(|decade| *decade >= self.last);
        decades.map(|decade| 10_f64.powf(decade)).chain([0.0])
    }

    fn place(&self, share: f64) -> f64 {
        if share <= 0.0 {
            return BOTTOM;
        }
        let part = (share.log10() - self.last) / (self.top - self.last);
        BOTTOM - BELOW - part.max(0.0) * (BOTTOM - BELOW - TOP)
    }
}

fn text(out: &mut String, class: &str, (x, y): (f64, f64), anchor: &str, said: &str) {
    let said = escaped(said);
    let _ = write!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{said}</text>"
    );
}

/// 1, 2, 5, 10, 20, 50 ... within the axis.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (0..12).map(|decade| 10_f64.powi(decade));
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * decade));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// A bar and its name.
#[derive(Clone, Debug)]
pub struct Bar {
    /// To its left.
    pub name: String,
    /// Its length.
    pub value: f64,
    /// To its right.
    pub said: String,
    /// Whether it is longer than it may be.
    pub bad: bool,
}

/// Bars from left to right, with a line that they should not cross, if there is one.
pub fn bars(label: &str, bars: &[Bar], limit: Option<f64>) -> String {
    let (left, right, step) = (190.0, WIDTH - 190.0, 26.0);
    let most = bars.iter().map(|bar| bar.value).chain(limit).fold(0.0, f64::max);
    let length = |value: f64| if most > 0.0 { value / most * (right - left) } else { 0.0 };
    let height = 12.0 + step * f64::from(u32::try_from(bars.len()).unwrap_or(0));
    let mut out = String::new();
    let _ =
        write!(out, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escaped(label));
    let top = |place: u32| 6.0 + step * f64::from(place);
    for (place, bar) in (0..).zip(bars) {
        let class = if bar.bad { "bar-bad" } else { "bar" };
        let (top, length) = (top(place), length(bar.value));
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"18\" rx=\"2\"/>"
        );
    }
    if let Some(limit) = limit {
        let at = left + length(limit);
        let _ = write!(out, "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{height}\"/>");
    }
    // Above all lines, so that these do not cross them.
    for (place, bar) in (0..).zip(bars) {
        let y = top(place) + 13.0;
        text(&mut out, "name", (left - 8.0, y), "end", &bar.name);
        text(&mut out, "name", (left + length(bar.value) + 8.0, y), "start", &bar.said);
    }
    out + "</svg>"
}
