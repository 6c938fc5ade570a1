/** Keeps the screen on until the returned function is called. */
export function keepAwake(): () => void {
  let wanted = true
  let lock: WakeLockSentinel | undefined
  const acquire = async () => {
    if (!wanted || document.hidden || (lock !== undefined && !lock.released)) return
    // Refused on low battery, absent in older browsers: a comfort, nothing to report.
    lock = await navigator.wakeLock?.request('screen').catch(() => undefined)
    if (!wanted) void lock?.release()
  }
  // Browsers let go of the lock whenever the page is hidden.
  document.addEventListener('visibilitychange', acquire)
  void acquire()
  return () => {
    wanted = false
    document.removeEventListener('visibilitychange', acquire)
    void lock?.release().catch(() => undefined)
  }
}
