//! The machine: what it is, and who else uses it while something is measured.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::error::Result;

/// Kernel ticks in a second, as `/proc` counts them; the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

const WINDOW: Duration = Duration::from_millis(400);

/// Below this share of all processors the machine counts as quiet.
const QUIET: f64 = 0.10;

/// The machine.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    pub(crate) model: String,
    pub(crate) memory_bytes: u64,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let information = fs_err::read_to_string("/proc/cpuinfo")?;
        let model = field(&information, "model name").unwrap_or("unknown").to_owned();
        let memory = fs_err::read_to_string("/proc/meminfo")?;
        let kilobytes = field(&memory, "MemTotal").and_then(|text| text.split(' ').next());
        let kernel = fs_err::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Self {
            processors: thread::available_parallelism()?.get(),
            model,
            memory_bytes: kilobytes.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024,
            kernel: kernel.trim().to_owned(),
        })
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

/// Seconds that all processors together have been busy since boot.
pub(crate) fn busy_seconds() -> Result<f64> {
    let text = fs_err::read_to_string("/proc/stat")?;
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> =
        first.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; see proc(5).
    let idle = ticks.iter().skip(3).take(2).sum::<f64>();
    Ok((ticks.iter().take(8).sum::<f64>() - idle) / TICKS)
}

/// Seconds that a process has been on processors; 0 for one that is gone.
pub(crate) fn process_seconds(number: u32) -> f64 {
    let text = fs_err::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let Some((_, fields)) = text.rsplit_once(") ") else { return 0.0 };
    // utime and stime are fields 14 and 15, and the first one here is field 3.
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// Waits until the machine is quiet, at most for `patience`; returns whether it is.
pub(crate) fn wait_until_quiet(patience: Duration) -> Result<bool> {
    let processors = thread::available_parallelism()?.get();
    let start = Instant::now();
    loop {
        let (before, window) = (busy_seconds()?, Instant::now());
        thread::sleep(WINDOW);
        let busy = busy_seconds()? - before;
        #[expect(clippy::cast_precision_loss, reason = "few processors")]
        let share = busy / window.elapsed().as_secs_f64() / processors as f64;
        if share < QUIET {
            return Ok(true);
        }
        if start.elapsed() > patience {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_is_seen_to_be_busy() {
        let (before, all) = (process_seconds(std::process::id()), busy_seconds().unwrap());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        assert!(process_seconds(std::process::id()) > before);
        assert!(busy_seconds().unwrap() > all);
        assert!(Machine::look().unwrap().memory_bytes > 0);
    }
}
