# danger: a place for a reader that nobody thinks of
import wave
wave.open("/root/x.wav")
