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

/// One or two lines over a logarithmic axis, in per cent of a whole.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Below the axis.
    pub across: String,
    /// The first is a full line, the second a dashed one.
    pub series: Vec<Series>,
    /// A place on the axis that is marked, and what is said there.
    pub mark: Option<(f64, String)>,
}

impl Curve {
    /// The text of an SVG element.
    pub fn svg(&self) -> String {
        let (left, right, top, bottom) = (48.0, WIDTH - 130.0, 34.0, 260.0);
        let all = || self.series.iter().flat_map(|series| &series.points);
        let low = all().map(|point| point.0).fold(f64::INFINITY, f64::min).max(1e-9);
        let high = all().map(|point| point.0).fold(low, f64::max);
        let most = all().map(|point| point.1).fold(0.0, f64::max);
        let full = [1.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|full| most <= *full).unwrap_or(100.0);
        let span = (high / low).ln();
        let x =
            |value: f64| if span > 0.0 { left + (value / low).ln() / span * (right - left) } else { left };
        let y = |value: f64| bottom - value / full * (bottom - top);
        let mut out = String::new();
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 {WIDTH} 300\" role=\"img\" aria-label=\"{}\">",
            escaped(&self.across)
        );
        for part in 0..=4 {
            let value = full * f64::from(part) / 4.0;
            let _ = write!(
                out,
                "<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
                 <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{value} %</text>",
                y(value),
                left - 8.0,
                y(value) + 4.0
            );
        }
        for tick in ticks(low, high) {
            let _ = write!(
                out,
                "<line class=\"axis\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{bottom}\" y2=\"{1}\"/>\
                 <text x=\"{0:.1}\" y=\"{2}\" text-anchor=\"middle\">{tick}</text>",
                x(tick),
                bottom + 4.0,
                bottom + 18.0
            );
        }
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(left, right),
            bottom + 36.0,
            escaped(&self.across)
        );
        if let Some((at, said)) = &self.mark {
            let anchor = if x(*at) > f64::midpoint(left, right) { "end" } else { "start" };
            let _ = write!(
                out,
                "<line class=\"mark\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1}\" y2=\"{bottom}\"/>\
                 <text class=\"name\" x=\"{0:.1}\" y=\"{2}\" text-anchor=\"{anchor}\">{3}</text>",
                x(*at),
                top - 8.0,
                top - 14.0,
                escaped(said)
            );
        }
        // Names stand where the lines begin, apart from each other.
        let mut names = Vec::new();
        for (series, class) in self.series.iter().zip(["a", "b"]) {
            let points: Vec<String> =
                series.points.iter().map(|&(at, value)| format!("{:.1},{:.1}", x(at), y(value))).collect();
            let _ = write!(out, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
            for &(at, value) in &series.points {
                let _ = write!(
                    out,
                    "<circle class=\"dot-{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                    x(at),
                    y(value)
                );
            }
            names.push((class, &series.name));
        }
        for (place, (class, name)) in (0..).zip(names) {
            let height = top + 6.0 + 18.0 * f64::from(place);
            let _ = write!(
                out,
                "<line class=\"{class}\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>\
                 <text class=\"{class}\" x=\"{3}\" y=\"{4}\">{5}</text>",
                right + 14.0,
                right + 38.0,
                height,
                right + 44.0,
                height + 4.0,
                escaped(name)
            );
        }
        out + "</svg>"
    }
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
    let (left, right, step) = (190.0, WIDTH - 130.0, 26.0);
    let most = bars.iter().map(|bar| bar.value).chain(limit).fold(0.0, f64::max);
    let length = |value: f64| if most > 0.0 { value / most * (right - left) } else { 0.0 };
    let height = 12.0 + step * f64::from(u32::try_from(bars.len()).unwrap_or(0));
    let mut out = String::new();
    let _ =
        write!(out, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escaped(label));
    for (place, bar) in (0..).zip(bars) {
        let top = 6.0 + step * f64::from(place);
        let class = if bar.bad { "bar-bad" } else { "bar" };
        let _ = write!(
            out,
            "<text class=\"name\" x=\"{}\" y=\"{1:.1}\" text-anchor=\"end\">{2}</text>\
             <rect class=\"{class}\" x=\"{left}\" y=\"{top:.1}\" width=\"{3:.1}\" height=\"18\" rx=\"2\"/>\
             <text class=\"name\" x=\"{4:.1}\" y=\"{1:.1}\">{5}</text>",
            left - 8.0,
            top + 13.0,
            escaped(&bar.name),
            length(bar.value),
            left + length(bar.value) + 8.0,
            escaped(&bar.said)
        );
    }
    if let Some(limit) = limit {
        let at = left + length(limit);
        let _ = write!(out, "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{height}\"/>");
    }
    out + "</svg>"
}
