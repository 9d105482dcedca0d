/** The parts of ECharts that a line needs; its own chunk, loaded with the first chart. */
import { LineChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { Band, Spot } from "./past";

use([LineChart, GridComponent, MarkAreaComponent, TooltipComponent, CanvasRenderer]);

/** So few that a line between them could not be seen. */
const FEW = 12;
/** A time under the axis and room beside it: where some would overlap ECharts leaves out any of them. */
const TIME_PX = 90;

export interface Look {
  ink: string;
  faint: string;
  grid: string;
  line: string;
  paper: string;
  band: string;
  font: string;
}

export interface Drawn {
  spots: readonly Spot[];
  bands: readonly Band[];
  fromMs: number;
  toMs: number;
  say: (value: number) => string;
  time: (ms: number) => string;
}

export function chartIn(element: HTMLElement): EChartsType {
  return init(element, null, { renderer: "canvas" });
}

/** The content security policy allows no inline style in markup: the tooltip is drawn as well. */
export function draw(chart: EChartsType, drawn: Drawn, look: Look): void {
  const axis = { axisLine: { lineStyle: { color: look.grid } }, axisLabel: { color: look.faint, fontFamily: look.font } };
  chart.setOption(
    {
      animation: false,
      textStyle: { fontFamily: look.font },
      grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        backgroundColor: look.paper,
        borderColor: look.grid,
        textStyle: { color: look.ink, fontFamily: look.font },
        formatter: (found: unknown) => tip(found, drawn),
      },
      xAxis: {
        type: "time", min: drawn.fromMs, max: drawn.toMs, splitNumber: Math.floor(chart.getWidth() / TIME_PX), ...axis,
        axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: (ms: number) => drawn.time(ms) },
      },
      yAxis: { type: "value", min: 0, minInterval: 1, splitNumber: 3, splitLine: { lineStyle: { color: look.grid } }, ...axis },
      series: [
        {
          type: "line", showSymbol: drawn.spots.length < FEW, symbolSize: 5, connectNulls: false, data: [...drawn.spots],
          lineStyle: { width: 2, color: look.line }, itemStyle: { color: look.line },
          markArea: {
            silent: true,
            itemStyle: { color: look.band },
            data: drawn.bands.map((band) => [{ xAxis: band.fromMs }, { xAxis: band.toMs }]),
          },
        },
      ],
    },
    true,
  );
}

function tip(found: unknown, drawn: Drawn): string {
  const first = (Array.isArray(found) ? found[0] : found) as { value?: Spot } | undefined;
  if (!first?.value || first.value[1] === null) return "";
  return `${drawn.time(first.value[0])}  ${drawn.say(first.value[1])}`;
}
