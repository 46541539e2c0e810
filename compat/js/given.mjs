/** Where the router is, and what every client is given alike. */
export const url = process.env.COMPAT_URL;
export const key = process.env.COMPAT_KEY;

export const WEATHER_PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

export const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, celsius: { type: "integer" } },
  required: ["city", "celsius"],
  additionalProperties: false,
};

/** The tool that the model calls. */
export const weatherOf = ({ city }) => `cold in ${city}`;
