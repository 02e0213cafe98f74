using System.Text;
using Broker.Actors;
using Broker.AspNetCore;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddBroker();
builder.Services.AddBrokerMethod("now", (_, _) => new(Encoding.UTF8.GetBytes($"\"{DateTime.UtcNow:O}\"")));

WebApplication app = builder.Build();
app.MapGet("/", (Hub hub) => $"WebSockets are at /connection/websocket and /ws; {hub.Counters.Open} are open.");
app.MapBroker();
app.Run();
