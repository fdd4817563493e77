//! The machine that the figures belong to.

use std::fmt;
use std::fs;

#[derive(Debug)]
pub struct Machine {
    pub model: String,
    pub cores: usize,
    pub kernel: String,
}

impl Machine {
    pub fn here() -> Machine {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split(": ").nth(1)).map(str::to_owned)
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Machine {
            model: field("model name").unwrap_or_else(|| "a processor that does not tell its name".into()),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: kernel.trim().split('-').next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { model, cores, kernel } = self;
        let os = std::env::consts::OS;
        write!(f, "{model}, {cores} cores, {} {os} {kernel}", std::env::consts::ARCH)
    }
}
