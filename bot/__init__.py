from store.jawab import Jawab as Jawab
