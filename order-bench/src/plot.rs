//! Plots for people: one figure over the number of calls in flight, as SVG.

use std::fmt::{self, Write as _};

use crate::figures::Figures;

/// Size of a plot.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// What is left around the axes: left, right, top and bottom.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Ticks of the vertical axis.
const TICKS: u8 = 5;

/// What is drawn: where its figures begin, how it is called, and its colour.
const LINES: [(&str, &str, &str); 5] = [
    ("postgresql.create.uniform", "PostgreSQL", "#1f6fb2"),
    ("postgresql.create.hot", "PostgreSQL, one hot product", "#7fb3dd"),
    ("sqlite.create.uniform", "SQLite", "#2f8f4e"),
    ("pgbench.interactive.uniform", "pgbench, one by one", "#b5542c"),
    ("pgbench.interactive.hot", "pgbench, one hot product", "#e0a98f"),
];

/// A plot.
pub(crate) struct Plot {
    title: &'static str,
    lines: Vec<Line>,
}

struct Line {
    name: &'static str,
    colour: &'static str,
    /// Calls in flight, and the figure with so many.
    points: Vec<(u32, f64)>,
}

impl Plot {
    /// Orders in a second.
    pub(crate) fn throughput(figures: &Figures) -> Self {
        Self::of(figures, ("Orders a second, by calls in flight", &["per_s"]))
    }

    /// The median latency; of pgbench the mean, which is what it tells.
    pub(crate) fn latency(figures: &Figures) -> Self {
        Self::of(
            figures,
            ("Milliseconds for an order (median; pgbench: mean), by calls in flight", &["p50_ms", "mean_ms"]),
        )
    }

    fn of(figures: &Figures, (title, suffixes): (&'static str, &[&str])) -> Self {
        let line = |(start, name, colour): (&str, &'static str, &'static str)| {
            let at = |n: u32| {
                let figure = |suffix: &&str| figures.median(&format!("{start}.{n}.{suffix}"));
                Some((n, suffixes.iter().find_map(figure)?))
            };
            Line { name, colour, points: [1, 8, 64, 512].into_iter().filter_map(at).collect() }
        };
        let lines = LINES.into_iter().map(line).filter(|line| !line.points.is_empty());
        Self { title, lines: lines.collect() }
    }

    fn highest(&self) -> f64 {
        self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value).fold(1.0, f64::max)
    }
}

/// Where so many calls in flight are: the axis is logarithmic, from 1 to 512.
fn x(calls: u32) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * f64::from(calls).log2() / 9.0
}

fn y(value: f64, highest: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / highest
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let highest = self.highest();
        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{}</text>",
            self.title
        )?;
        for tick in 0..=TICKS {
            let value = highest * f64::from(tick) / f64::from(TICKS);
            let (y, right) = (y(value, highest), WIDTH - RIGHT);
            writeln!(f, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>")?;
            writeln!(f, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>", LEFT - 8.0, y + 4.0)?;
        }
        for calls in [1, 8, 64, 512] {
            let (x, y) = (x(calls), HEIGHT - BOTTOM + 20.0);
            writeln!(f, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{calls}</text>")?;
        }
        for (n, line) in (0_u8..).zip(&self.lines) {
            let mut points = String::new();
            for (calls, value) in &line.points {
                write!(points, "{:.1},{:.1} ", x(*calls), y(*value, highest))?;
            }
            let Line { name, colour, .. } = line;
            writeln!(
                f,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                points.trim_end()
            )?;
            let (x, y) = (WIDTH - RIGHT + 12.0, TOP + 20.0 * f64::from(n) + 8.0);
            writeln!(f, "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{colour}\"/>", y - 6.0)?;
            writeln!(f, "<text x=\"{}\" y=\"{y}\">{name}</text>", x + 18.0)?;
        }
        writeln!(f, "</svg>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_its_figures() {
        let mut figures = Figures::default();
        figures.note("sqlite.create.uniform.1.per_s", 100.0);
        figures.note("sqlite.create.uniform.512.per_s", 200.0);
        let drawn = Plot::throughput(&figures).to_string();
        assert!(drawn.contains("points=\"70.0,195.0 530.0,40.0\""), "{drawn}");
        assert!(drawn.contains("SQLite") && !drawn.contains("pgbench"), "what was not measured is not drawn");
    }
}
