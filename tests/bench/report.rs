//! What was measured, beside what was aimed at.

/// The lines of the final table.
#[derive(Default)]
pub struct Report(Vec<[String; 4]>);

impl Report {
    /// Adds a line.
    pub fn add(&mut self, figure: &str, what: &str, measured: impl Into<String>, target: &str) {
        self.0.push([figure.to_owned(), what.to_owned(), measured.into(), target.to_owned()]);
    }

    /// Prints the table, in Markdown.
    pub fn print(mut self) {
        self.0.insert(0, ["#", "figure", "measured", "target"].map(str::to_owned));
        let width = |column: usize| self.0.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
        let widths = [0, 1, 2, 3].map(width);
        println!();
        for (row, line) in self.0.iter().enumerate() {
            let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("| {} |", cells.join(" | "));
            if row == 0 {
                println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
            }
        }
    }
}

/// One number of each round.
#[derive(Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds a round's.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// The median with the extremes.
    pub fn spread(&self) -> String {
        format!("{:.3} ({:.3} to {:.3})", self.median(), self.0[0], self.0[self.0.len() - 1])
    }
}
