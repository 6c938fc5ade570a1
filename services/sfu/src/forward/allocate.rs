//! Which layer of each picture a subscriber gets within its limit.

/// The layers of one watched picture, the lowest first, as bits per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offer {
    costs: [u64; MAX_STEPS],
    steps: u8,
    /// The step at which the lowest layer has all its frames.
    fluent: u8,
}

/// Three simulcast layers, and the lowest of them at a third and at two thirds of its frames.
pub(super) const MAX_STEPS: usize = 5;

/// Going up must leave this many per cent of the step's cost.
const HEADROOM: u64 = 115;

/// What is shown is taken away only when it exceeds the limit by this many per cent: key frames make
/// rates jump.
const TOLERANCE: u64 = 20;

impl Offer {
    /// Adds a step above those there are; the step costs more than the last.
    pub(super) fn push(&mut self, cost: u64) {
        if usize::from(self.steps) < MAX_STEPS {
            self.costs[usize::from(self.steps)] = cost;
            self.steps += 1;
        }
    }

    /// The step that was added last has all frames of the lowest layer.
    pub(super) fn mark_fluent(&mut self) {
        self.fluent = self.steps.saturating_sub(1);
    }

    fn cost(&self, step: usize) -> Option<u64> {
        self.costs[..usize::from(self.steps)].get(step).copied()
    }
}

/// Chooses a step for each offer (the most important first). `now` holds the steps of the moment and is
/// overwritten; the first offer always gets its lowest step. Everybody gets something before anybody gets
/// fluent pictures, and everybody gets these before anybody gets larger ones.
pub(super) fn allocate(limit: u64, offers: &[Offer], now: &mut [Option<u8>]) -> u64 {
    let mut spent = 0;
    let cost = |at: usize, step: usize, present: Option<u8>| {
        let cost = offers[at].cost(step)?;
        let going_up = present.is_none_or(|present| step > usize::from(present));
        Some(if going_up { cost * HEADROOM / 100 } else { cost })
    };
    let mut chosen = [None::<u8>; 64];
    for at in 0..offers.len().min(chosen.len()) {
        let Some(lowest) = cost(at, 0, now[at]) else { continue };
        let bound = if now[at].is_some() { limit + limit * TOLERANCE / 100 } else { limit };
        if at == 0 || spent + lowest <= bound {
            chosen[at] = Some(0);
            spent += lowest;
        }
    }
    for fluent_only in [true, false] {
        for at in 0..offers.len().min(chosen.len()) {
            while let Some(step) = chosen[at].filter(|step| !fluent_only || *step < offers[at].fluent) {
                let held = cost(at, usize::from(step), now[at]).unwrap_or(0);
                let Some(more) = cost(at, usize::from(step) + 1, now[at]) else { break };
                if (spent + more).saturating_sub(held) > limit {
                    break;
                }
                spent = (spent + more).saturating_sub(held);
                chosen[at] = Some(step + 1);
            }
        }
    }
    for (now, chosen) in now.iter_mut().zip(chosen) {
        *now = chosen;
    }
    spent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(costs: &[u64]) -> Offer {
        let mut offer = Offer::default();
        costs.iter().for_each(|&cost| offer.push(cost));
        offer
    }

    #[test]
    fn everybody_gets_something_before_anybody_gets_more() {
        let offers = [offer(&[100, 500, 1_800]); 3];
        let mut steps = [None; 3];
        allocate(400, &offers, &mut steps);
        assert_eq!(steps, [Some(0); 3]);
        allocate(1_000, &offers, &mut steps);
        assert_eq!(steps, [Some(1), Some(0), Some(0)]);
        allocate(10_000, &offers, &mut steps);
        assert_eq!(steps, [Some(2); 3]);
    }

    #[test]
    fn everybody_is_fluent_before_anybody_is_large() {
        let mut thinned = offer(&[50, 75, 100]);
        thinned.mark_fluent();
        thinned.push(500);
        let mut steps = [None; 3];
        allocate(400, &[thinned; 3], &mut steps);
        assert_eq!(steps, [Some(2); 3]);
        allocate(250, &[thinned; 3], &mut steps);
        assert_eq!(steps, [Some(2), Some(2), Some(0)]);
    }

    #[test]
    fn the_most_important_picture_is_never_given_up() {
        let mut steps = [None; 2];
        allocate(0, &[offer(&[100]), offer(&[100])], &mut steps);
        assert_eq!(steps, [Some(0), None]);
        allocate(0, &[offer(&[]), offer(&[])], &mut steps);
        assert_eq!(steps, [None, None]);
    }

    #[test]
    fn a_picture_is_not_taken_away_for_a_jump_of_its_rate() {
        let offers = [offer(&[100]), offer(&[110])];
        let mut steps = [Some(0), Some(0)];
        allocate(200, &offers, &mut steps);
        assert_eq!(steps, [Some(0), Some(0)]);
        let mut steps = [Some(0), None];
        allocate(200, &offers, &mut steps);
        assert_eq!(steps, [Some(0), None]);
    }

    #[test]
    fn a_step_is_kept_at_the_edge_but_not_entered() {
        let offers = [offer(&[100, 500])];
        let mut steps = [Some(1)];
        allocate(500, &offers, &mut steps);
        assert_eq!(steps, [Some(1)]);
        let mut steps = [Some(0)];
        allocate(500, &offers, &mut steps);
        assert_eq!(steps, [Some(0)]);
    }
}
