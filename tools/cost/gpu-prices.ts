/**
 * What a second of one GPU costs where it is paid for by use, by Runpod's names of GPU pools. List prices of Runpod's
 * documentation in August 2026 (docs/reference/sources.md), US dollars; they change, and `--price` takes another.
 */
export const GPU_PRICE_PER_S: Readonly<Record<string, number>> = {
  AMPERE_16: 0.00016,
  AMPERE_24: 0.00019,
  ADA_24: 0.00031,
  AMPERE_48: 0.00034,
  ADA_48_PRO: 0.00053,
  AMPERE_80: 0.00076,
  ADA_80_PRO: 0.00116,
  BLACKWELL_96: 0.00111,
  HOPPER_141: 0.00155,
  BLACKWELL_180: 0.0024,
};
