//! Hours of the day in which the box restarts even while people meet: `01:00-03:30`, in UTC.

use std::str::FromStr;

const DAY: u64 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    from: u64,
    to: u64,
}

impl Window {
    /// `now`: seconds since 1970.
    pub(super) fn is_open(self, now: u64) -> bool {
        let time = now % DAY;
        // One that crosses midnight is open at both ends of the day.
        if self.from <= self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Window, String> {
        let error = || format!("{text:?} is no window: it looks like 01:00-03:30, in UTC");
        let (from, to) = text.split_once('-').ok_or_else(error)?;
        let time = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let (hours, minutes) = (hours.parse::<u64>().ok()?, minutes.parse::<u64>().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)
        };
        let window = Window { from: time(from).ok_or_else(error)?, to: time(to).ok_or_else(error)? };
        match window.from == window.to {
            true => Err(format!("{text:?} is never open: it has to end at another time than it begins")),
            false => Ok(window),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_open_inside_and_over_midnight() {
        let open =
            |text: &str, hour: u64| text.parse::<Window>().unwrap().is_open(20_000 * DAY + hour * 3_600);
        assert!(open("01:00-03:30", 1) && open("01:00-03:30", 3) && !open("01:00-03:30", 4));
        assert!(open("23:00-02:00", 23) && open("23:00-02:00", 0) && !open("23:00-02:00", 2));
        for wrong in ["", "1-2", "24:00-01:00", "01:60-02:00", "01:00", "00:00-00:00"] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
    }
}
