//! What keys do. No key does harm at once: each order is confirmed.

use super::words::Language;
use plenum_protocol::manager::Display;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Enter,
    Escape,
    Backspace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Restart,
    ResetNetwork,
    ResetToFactory,
    /// `plenum.toml` on a USB stick.
    ApplySettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    Nothing,
    /// Enter does it.
    Confirm(Order),
    /// These digits and Enter do it, because it cannot be undone.
    Type {
        digits: String,
        typed: String,
    },
    Working(Order),
    Done(Order),
    /// `detail` is in English, as in the log.
    Failed {
        order: Order,
        detail: String,
    },
}

pub struct Console {
    pub language: Language,
    pub dialog: Dialog,
    /// `None` while the manager does not answer.
    pub shown: Option<Display>,
}

impl Console {
    pub fn new(language: Language) -> Console {
        Console { language, dialog: Dialog::Nothing, shown: None }
    }

    /// Gives the order that is to be carried out. `number` is another one each time.
    pub fn press(&mut self, key: Key, number: u16) -> Option<Order> {
        match (&mut self.dialog, key) {
            // It goes on whatever is pressed.
            (Dialog::Working(_), _) => {}
            (Dialog::Nothing, Key::Char(letter)) => self.choose(letter, number),
            (Dialog::Nothing, _) => {}
            (Dialog::Done(_) | Dialog::Failed { .. }, _) | (_, Key::Escape) => self.dialog = Dialog::Nothing,
            (Dialog::Confirm(order), Key::Enter) => {
                let order = *order;
                return Some(self.order(order));
            }
            (Dialog::Confirm(_), _) => {}
            (Dialog::Type { digits, typed }, key) => match key {
                Key::Char(digit) if digit.is_ascii_digit() && typed.len() < digits.len() => typed.push(digit),
                Key::Backspace => drop(typed.pop()),
                Key::Enter if typed == digits => return Some(self.order(Order::ResetToFactory)),
                Key::Enter => typed.clear(),
                _ => {}
            },
        }
        None
    }

    fn choose(&mut self, letter: char, number: u16) {
        match letter.to_ascii_lowercase() {
            'l' => self.language = self.language.other(),
            'u' if self.is_offered() => self.dialog = Dialog::Confirm(Order::ApplySettings),
            'r' => self.dialog = Dialog::Confirm(Order::Restart),
            'n' => self.dialog = Dialog::Confirm(Order::ResetNetwork),
            'f' => {
                let digits = format!("{:04}", number % 10_000);
                self.dialog = Dialog::Type { digits, typed: String::new() };
            }
            _ => {}
        }
    }

    /// Whether there is a file that could be applied.
    pub(super) fn is_offered(&self) -> bool {
        let offer = self.shown.as_ref().and_then(|display| display.offer.as_ref());
        offer.is_some_and(|offer| offer.findings.is_empty() && !offer.forged)
    }

    fn order(&mut self, order: Order) -> Order {
        self.dialog = Dialog::Working(order);
        order
    }

    /// How an order ended.
    pub fn ended(&mut self, order: Order, result: Result<(), String>) {
        self.dialog = match result {
            Ok(()) => Dialog::Done(order),
            Err(detail) => Dialog::Failed { order, detail },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console() -> Console {
        Console::new(Language::German)
    }

    fn press(console: &mut Console, keys: &str) -> Option<Order> {
        let mut order = None;
        for key in keys.chars() {
            let key = match key {
                '\n' => Key::Enter,
                '\x1b' => Key::Escape,
                '\x08' => Key::Backspace,
                letter => Key::Char(letter),
            };
            order = order.or(console.press(key, 30_042));
        }
        order
    }

    #[test]
    fn orders_are_confirmed() {
        assert_eq!(press(&mut console(), "r\n"), Some(Order::Restart));
        assert_eq!(press(&mut console(), "N\n"), Some(Order::ResetNetwork));
        assert_eq!(press(&mut console(), "\n"), None);
        assert_eq!(press(&mut console(), "r\x1b\n"), None);
        // Another letter is no confirmation.
        assert_eq!(press(&mut console(), "rn"), None);
    }

    #[test]
    fn what_cannot_be_undone_is_typed() {
        assert_eq!(press(&mut console(), "f0042\n"), Some(Order::ResetToFactory));
        assert_eq!(press(&mut console(), "f00429\n"), Some(Order::ResetToFactory));
        assert_eq!(press(&mut console(), "f0043\x082\n"), Some(Order::ResetToFactory));
        assert_eq!(press(&mut console(), "f0041\n\n0042\n"), Some(Order::ResetToFactory));
        for wrong in ["f\n", "f004\n", "f0041\n", "f\x1b0042\n", "fabcd\n"] {
            assert_eq!(press(&mut console(), wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn nothing_is_ordered_twice() {
        let mut console = console();
        assert_eq!(press(&mut console, "r\n\n\nr\n"), Some(Order::Restart));
        assert_eq!(console.dialog, Dialog::Working(Order::Restart));
        console.ended(Order::Restart, Err("no".into()));
        assert!(matches!(console.dialog, Dialog::Failed { .. }));
        assert_eq!(press(&mut console, "\n"), None);
        assert_eq!(console.dialog, Dialog::Nothing);
    }

    #[test]
    fn the_language_changes_back_and_forth() {
        let mut console = console();
        press(&mut console, "l");
        assert_eq!(console.language, Language::English);
        press(&mut console, "L");
        assert_eq!(console.language, Language::German);
    }
}
